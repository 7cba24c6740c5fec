#include "analytics/protocol/net.h"

#include <algorithm>

namespace casebox::analytics::protocol {

uint32_t Net::add_place(std::string name) {
  places.push_back(std::move(name));
  return static_cast<uint32_t>(places.size() - 1);
}

void Net::finish() {
  initial.resize(places.size());
  for (Marking& marking : finals) marking.resize(places.size());
  for (Transition& transition : transitions) {
    std::ranges::sort(transition.in);
    std::ranges::sort(transition.out);
  }
}

bool Net::enabled(const Marking& marking, const Transition& transition) const {
  const std::vector<uint32_t>& in = transition.in;
  for (size_t i = 0; i < in.size();) {
    size_t weight = 1;
    while (i + weight < in.size() && in[i + weight] == in[i]) ++weight;
    if (marking[in[i]] < weight) return false;
    i += weight;
  }
  return true;
}

bool Net::fire(const Marking& marking, const Transition& transition, Marking& next) const {
  next = marking;
  for (uint32_t place : transition.in) --next[place];
  for (uint32_t place : transition.out) {
    if (next[place] == UINT8_MAX) return false;
    ++next[place];
  }
  return true;
}

bool Net::is_state_machine() const {
  size_t tokens = 0;
  for (uint8_t n : initial) tokens += n;
  return tokens == 1 && std::ranges::all_of(transitions, [](const Transition& t) {
           return t.in.size() == 1 && t.out.size() == 1;
         });
}

}  // namespace casebox::analytics::protocol
