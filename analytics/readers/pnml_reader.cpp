#include <charconv>
#include <map>
#include <set>

#include "analytics/readers/internal/norm_builder.h"
#include "analytics/readers/internal/xml_document.h"
#include "analytics/readers/model_reader.h"

namespace casebox::analytics::readers {
namespace {

using internal::child;
using internal::local_name;
using internal::text_of;
using protocol::kSilent;
using protocol::Marking;

constexpr size_t kMaxParts = 100'000;
constexpr size_t kMaxFinalBytes = 16 << 20;
constexpr size_t kToldGuards = 12;

class Pnml {
 public:
  Pnml(std::string name, const pugi::xml_node& net)
      : name_(std::move(name)), net_(net), builder_(net.attribute("id").as_string("net")) {}

  Result<protocol::Norm> run() {
    CASEBOX_CHECK(nodes(net_));
    if (places_.empty()) return bad("no places; give a place/transition net");
    CASEBOX_CHECK(arcs(net_));
    for (Item& t : transitions_)
      builder_.transition(t.name, t.step, std::move(t.in), std::move(t.out));
    builder_.norm.net.finish();
    CASEBOX_CHECK(initial());
    CASEBOX_CHECK(finals());
    note();
    return std::move(builder_.norm);
  }

 private:
  struct Item {
    std::string name;
    int32_t step;
    std::vector<uint32_t> in, out;
  };

  Error bad(const std::string& what) const {
    return Error{Code::kInvalidArgument, name_ + ": " + what};
  }

  Result<unsigned> number(const std::string& text, const std::string& what) const {
    unsigned value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size() || value > 255)
      return bad(what + " is '" + text.substr(0, 20) + "'; write a whole number up to 255");
    return value;
  }

  Result<void> nodes(const pugi::xml_node& above) {
    for (const pugi::xml_node& node : above.children()) {
      const std::string_view kind = local_name(node);
      const std::string id = node.attribute("id").as_string();
      if (kind == "page") {
        CASEBOX_CHECK(nodes(node));
      } else if (kind == "place") {
        CASEBOX_CHECK(add_id(id, "a place"));
        places_[id] = builder_.place(id);
        if (const pugi::xml_node marking = child(node, "initialMarking")) {
          const std::string text = text_of(marking);
          CASEBOX_TRY(const unsigned n, number(text.empty() ? "0" : text, "a token count"));
          if (n > 0) initial_[places_[id]] = static_cast<uint8_t>(n);
        }
      } else if (kind == "transition") {
        CASEBOX_CHECK(add_id(id, "a transition"));
        transition(node, id);
      } else if (kind == "referencePlace" || kind == "referenceTransition") {
        return Error{Code::kUnsupported, name_ + ": " + std::string(kind) + " '" + id +
                                             "' is not supported; merge the pages"};
      }
      if (places_.size() + transitions_.size() > kMaxParts)
        return bad("more than 100000 places and transitions; this is no protocol");
    }
    return ok();
  }

  Result<void> add_id(const std::string& id, const char* what) {
    if (id.empty()) return bad(std::string(what) + " has no id; give it one");
    if (!ids_.insert(id).second) return bad("id '" + id + "' is there twice; rename one");
    return ok();
  }

  void transition(const pugi::xml_node& node, const std::string& id) {
    const std::string label = text_of(child(node, "name"));
    bool declared = false;
    for (const pugi::xml_node& tool : node.children())
      if (local_name(tool) == "toolspecific" &&
          std::string_view(tool.attribute("activity").as_string()) == "$invisible$")
        declared = true;
    int32_t step = kSilent;
    if (label.empty()) {
      if (!declared) ++unlabelled_;
    } else if (!declared) {
      if (internal::silent_label(label))
        by_name_.insert(label);
      else
        step = builder_.step(label);
    }
    std::string guard = node.attribute("guard").as_string();
    for (const char* kind : {"guard", "condition"})
      if (const pugi::xml_node inside = child(node, kind); guard.empty() && inside)
        guard = text_of(inside);
    if (!guard.empty() && ++guards_ <= kToldGuards)
      builder_.notice("the guard '" + guard.substr(0, 80) + "' of '" +
                      (label.empty() ? id : label).substr(0, 80) +
                      "' is not read: the step may be done whatever it says");
    index_[id] = transitions_.size();
    transitions_.push_back({label.empty() ? id : label, step, {}, {}});
  }

  Result<void> arcs(const pugi::xml_node& above) {
    for (const pugi::xml_node& node : above.children()) {
      if (local_name(node) == "page") {
        CASEBOX_CHECK(arcs(node));
        continue;
      }
      if (local_name(node) != "arc") continue;
      if (++arc_count_ > kMaxParts) return bad("more than 100000 arcs; this is no protocol");
      const std::string from = node.attribute("source").as_string();
      const std::string to = node.attribute("target").as_string();
      const std::string type = text_of(child(node, "arctype"));
      if (!type.empty() && type != "normal")
        return Error{Code::kUnsupported,
                     name_ + ": arc '" + std::string(node.attribute("id").as_string()) +
                         "' is of type '" + type + "'; only normal arcs have a meaning here"};
      unsigned weight = 1;
      if (const std::string text = text_of(child(node, "inscription")); !text.empty()) {
        CASEBOX_TRY(weight, number(text, "an arc's weight"));
      }
      const auto place = places_.find(places_.contains(from) ? from : to);
      const auto other = index_.find(places_.contains(from) ? to : from);
      if (place == places_.end() || other == index_.end())
        return bad("arc from '" + from + "' to '" + to +
                   "' does not join a place and a transition; mend it");
      Item& t = transitions_[other->second];
      for (unsigned i = 0; i < weight; ++i)
        (places_.contains(from) ? t.in : t.out).push_back(place->second);
    }
    return ok();
  }

  /// Places without a transition on the side asked for.
  std::vector<uint32_t> edge_places(bool without_in) const {
    std::vector<bool> has(builder_.norm.net.places.size());
    for (const protocol::Transition& t : builder_.norm.net.transitions)
      for (uint32_t p : without_in ? t.out : t.in) has[p] = true;
    std::vector<uint32_t> out;
    for (uint32_t p = 0; p < has.size(); ++p)
      if (!has[p]) out.push_back(p);
    return out;
  }

  Result<void> initial() {
    protocol::Net& net = builder_.norm.net;
    for (const auto& [place, n] : initial_) net.initial[place] = n;
    if (!initial_.empty()) return ok();
    const std::vector<uint32_t> sources = edge_places(true);
    if (sources.empty()) return bad("no initial marking and no place without a way in; mark one");
    for (uint32_t p : sources) net.initial[p] = 1;
    builder_.notice("no initial marking: a token was put on " + std::to_string(sources.size()) +
                    " place(s) without a way in");
    return ok();
  }

  Result<void> finals() {
    protocol::Net& net = builder_.norm.net;
    for (const pugi::xml_node& node : net_.children()) {
      if (local_name(node) != "finalmarkings") continue;
      for (const pugi::xml_node& marking : node.children()) {
        if (local_name(marking) != "marking") continue;
        Marking final(net.places.size());
        bool any = false;
        for (const pugi::xml_node& place : marking.children()) {
          if (local_name(place) != "place") continue;
          const auto it = places_.find(place.attribute("idref").as_string());
          if (it == places_.end()) return bad("the final marking names a place that is not there");
          CASEBOX_TRY(const unsigned n, number(text_of(place), "a token count"));
          final[it->second] = static_cast<uint8_t>(n);
          any = any || n > 0;
        }
        if (any) net.finals.push_back(std::move(final));
        if (net.finals.size() * net.places.size() > kMaxFinalBytes)
          return bad("more final markings than memory allows; this is no protocol");
      }
    }
    if (!net.finals.empty()) return ok();
    const std::vector<uint32_t> sinks = edge_places(false);
    if (sinks.empty()) return bad("no final marking and no place without a way out; mark one");
    if (sinks.size() * net.places.size() > kMaxFinalBytes)
      return bad("no final marking and " + std::to_string(sinks.size()) +
                 " places without a way out; mark the final ones");
    for (uint32_t p : sinks) {
      net.finals.emplace_back(net.places.size());
      net.finals.back()[p] = 1;
    }
    builder_.notice("no final marking: a case ends with one token on " +
                    (sinks.size() == 1 ? "'" + net.places[sinks[0]] + "', the only place"
                                       : "any of the " + std::to_string(sinks.size()) + " places") +
                    " without a way out");
    return ok();
  }

  void note() {
    if (guards_ > kToldGuards)
      builder_.notice(std::to_string(guards_ - kToldGuards) + " more guards are not read");
    if (unlabelled_ > 0)
      builder_.notice(std::to_string(unlabelled_) + " transitions without a label are silent");
    for (const std::string& label : by_name_)
      builder_.notice("'" + label + "' is silent, by its name");
  }

  std::string name_;
  pugi::xml_node net_;
  internal::NormBuilder builder_;
  std::map<std::string, uint32_t> places_;
  std::map<std::string, size_t> index_;
  std::vector<Item> transitions_;
  std::map<uint32_t, uint8_t> initial_;
  std::set<std::string> ids_;
  std::set<std::string> by_name_;
  size_t unlabelled_ = 0;
  size_t arc_count_ = 0;
  size_t guards_ = 0;
};

}  // namespace

Result<protocol::Norm> read_pnml(std::string_view text, const std::string& name) {
  pugi::xml_document document;
  CASEBOX_CHECK(internal::parse_xml(text, name, document));
  const pugi::xml_node net = child(child(document, "pnml"), "net");
  if (!net) return Error{Code::kInvalidArgument, name + ": no <pnml><net>; give a PNML file"};
  CASEBOX_TRY(protocol::Norm norm, Pnml(name, net).run());
  int nets = 0;
  for (const pugi::xml_node& n : child(document, "pnml").children()) nets += local_name(n) == "net";
  if (nets > 1)
    norm.notices.push_back("the file has " + std::to_string(nets) + " nets; the first is used");
  return norm;
}

}  // namespace casebox::analytics::readers
