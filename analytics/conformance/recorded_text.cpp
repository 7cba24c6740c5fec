#include "analytics/conformance/recorded_text.h"

#include <cmath>

#include "analytics/conformance/internal/words_text.h"

namespace casebox::analytics::conformance {
namespace {

using internal::number_text;
using internal::parts;
using internal::read_number;
using Words = std::vector<std::string_view>;

constexpr double kMostScale = 1e6;

std::string word(const std::string& text) { return text.empty() ? "%" : internal::id_text(text); }
std::string read_word(std::string_view text) { return text == "%" ? "" : internal::read_id(text); }
std::string flag(bool value) { return value ? "1" : "0"; }

/// Adds what one line states; false: it is not understood.
bool take(const Words& line, Recorded& out) {
  const std::string_view what = line[0];
  Observability& seen = out.seen;
  const auto has = [&](std::string_view name, size_t words) {
    return what == name && line.size() == words;
  };
  if (has("procedure", 2)) {
    out.procedure = read_word(line[1]);
  } else if (has("span", 3)) {
    return read_number(line[1], seen.case_t0_ns.emplace()) &&
           read_number(line[2], seen.case_t1_ns.emplace());
  } else if (has("holds", 3)) {
    seen.holds_beginning = line[1] == "1";
    seen.holds_end = line[2] == "1";
  } else if (has("clocks", 2)) {
    seen.clocks_trusted = line[1] == "1";
  } else if (has("scale", 2)) {
    return read_number(line[1], seen.limit_scale) && seen.limit_scale > 0 &&
           seen.limit_scale < kMostScale;
  } else if (has("observer", 4)) {
    seen.observers->push_back({read_word(line[1]), line[2] == "people", line[3] == "gave", {}});
  } else if (has("lapse", 4) && !seen.observers->empty()) {
    Lapse& lapse = seen.observers->back().lapses.emplace_back();
    lapse.why = read_word(line[3]);
    return read_number(line[1], lapse.t0_ns) && read_number(line[2], lapse.t1_ns);
  } else if (has("reason", 4)) {
    Reason& reason = seen.reasons.emplace_back();
    reason.step = read_word(line[1]);
    reason.code = read_word(line[2]);
    return read_number(line[3], reason.t_ns);
  } else if (has("unfound", 4)) {
    Unfound& unfound = seen.unfound.emplace_back();
    unfound.step = read_word(line[1]);
    unfound.sure = line[3] == "sure";
    return read_number(line[2], unfound.probability) && unfound.probability >= 0 &&
           unfound.probability <= 1;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string recorded_text(const Recorded& recorded) {
  const Observability& seen = recorded.seen;
  std::string out = "recorded 1";
  const auto line = [&](std::initializer_list<std::string> words) {
    out += '\n';
    size_t i = 0;
    for (const std::string& one : words) out += (i++ == 0 ? "" : " ") + one;
  };
  line({"procedure", word(recorded.procedure)});
  line(
      {"span", number_text(seen.case_t0_ns.value_or(0)), number_text(seen.case_t1_ns.value_or(0))});
  line({"holds", flag(seen.holds_beginning), flag(seen.holds_end)});
  line({"clocks", flag(seen.clocks_trusted)});
  line({"scale", number_text(seen.limit_scale)});
  for (const Observer& observer : seen.observers.value_or(std::vector<Observer>())) {
    line({"observer", word(observer.stream), observer.people ? "people" : "devices",
          observer.gave ? "gave" : "nothing"});
    for (const Lapse& lapse : observer.lapses)
      line({"lapse", number_text(lapse.t0_ns), number_text(lapse.t1_ns), word(lapse.why)});
  }
  for (const Reason& reason : seen.reasons)
    line({"reason", word(reason.step), word(reason.code), number_text(reason.t_ns)});
  for (const Unfound& unfound : seen.unfound)
    line({"unfound", word(unfound.step), number_text(unfound.probability),
          unfound.sure ? "sure" : "unsure"});
  return out;
}

Result<Recorded> parse_recorded(std::string_view text) {
  Recorded out;
  out.seen.observers.emplace();
  bool good = text.starts_with("recorded 1\n");
  size_t at = 0;
  for (const std::string_view line : parts(text, '\n'))
    good = good && (at++ == 0 || (!line.empty() && take(parts(line, ' '), out)));
  if (!good || recorded_text(out) != text)
    return Error{Code::kInvalidArgument,
                 "what it says was watched is in a form that this program does not know; use the "
                 "one that exported it"};
  return out;
}

}  // namespace casebox::analytics::conformance
