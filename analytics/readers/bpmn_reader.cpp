#include <algorithm>
#include <map>
#include <set>

#include "analytics/readers/internal/norm_builder.h"
#include "analytics/readers/internal/xml_document.h"
#include "analytics/readers/model_reader.h"

namespace casebox::analytics::readers {
namespace {

using internal::child;
using internal::local_name;
using protocol::kSilent;

constexpr size_t kMaxNodes = 100'000;
constexpr size_t kMaxPools = 1000;  // bytes of their names that are told

enum class Role { kTask, kPass, kExclusive, kParallel, kStart, kEnd, kSub };

/// A name as a log would have it: editors break lines in it wherever a box is too narrow.
std::string trimmed(std::string_view text) {
  std::string out;
  for (char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

// A sequence flow is the place its target waits on; a parallel gateway waits on each of its flows,
// any other node on one place for all of them.
class Bpmn {
 public:
  explicit Bpmn(std::string name, const std::string& id)
      : name_(std::move(name)), builder_(id.empty() ? "process" : id) {}

  Result<protocol::Norm> run(const pugi::xml_node& process) {
    begin_ = builder_.place("begin");
    end_ = builder_.place("end");
    CASEBOX_CHECK(scope(process, begin_, end_));
    protocol::Norm& norm = builder_.norm;
    if (norm.source.steps_size() == 0) return bad("no task; give a process with tasks");
    norm.net.finish();
    norm.net.initial[begin_] = 1;
    norm.net.finals.emplace_back(norm.net.places.size());
    if (!drains_) norm.net.finals.back()[end_] = 1;
    for (const auto& [what, n] : counts_) builder_.notice(std::to_string(n) + " " + what);
    return std::move(norm);
  }

 private:
  struct Node {
    pugi::xml_node xml;
    Role role;
    std::string name;
    uint32_t wait = 0;                 // where it waits; not of a parallel gateway
    uint32_t done = 0;                 // where a sub-process ends
    std::vector<std::string> in, out;  // flows
  };

  Error bad(const std::string& what) const {
    return Error{Code::kInvalidArgument, name_ + ": " + what};
  }
  Error refuse(const std::string& kind, const std::string& node, const std::string& why) const {
    return Error{Code::kUnsupported, name_ + ": " + kind + " '" + node + "' is refused: " + why};
  }

  Result<std::optional<Role>> role_of(const pugi::xml_node& node, const std::string& shown) {
    const std::string_view kind = local_name(node);
    const auto is = [&](std::string_view k) { return kind == k; };
    if (is("inclusiveGateway"))
      return refuse("the inclusive (OR) gateway", shown,
                    "how many branches must join cannot be said; use exclusive and parallel ones");
    if (is("complexGateway"))
      return refuse("the complex gateway", shown, "its condition is not in the file's flow");
    if (is("boundaryEvent"))
      return refuse("the boundary event", shown, "draw the interruption as a gateway");
    if (is("startEvent")) return std::optional(Role::kStart);
    if (is("endEvent")) return std::optional(Role::kEnd);
    if (is("exclusiveGateway")) return std::optional(Role::kExclusive);
    if (is("eventBasedGateway")) {
      ++counts_["event-based gateways are read as exclusive ones"];
      return std::optional(Role::kExclusive);
    }
    if (is("parallelGateway")) return std::optional(Role::kParallel);
    if (is("intermediateCatchEvent") || is("intermediateThrowEvent")) {
      ++counts_["intermediate events are passed without a step"];
      return std::optional(Role::kPass);
    }
    if (is("subProcess") || is("transaction")) return std::optional(Role::kSub);
    if (is("adHocSubProcess"))
      return refuse("the ad-hoc sub-process", shown, "it has no order of steps");
    if (is("callActivity") || kind == "task" || kind.ends_with("Task"))
      return std::optional(Role::kTask);
    return std::optional<Role>();
  }

  Result<void> scope(const pugi::xml_node& process, uint32_t begin, uint32_t end) {
    if (++depth_ > 64) return bad("sub-processes nested deeper than 64 levels; draw them flat");
    std::map<std::string, Node> nodes;
    std::vector<std::string> order;
    for (const pugi::xml_node& xml : process.children()) {
      const std::string id = xml.attribute("id").as_string();
      const std::string label = trimmed(xml.attribute("name").as_string());
      CASEBOX_TRY(const auto role, role_of(xml, label.empty() ? id : label));
      if (!role) {
        note_unused(xml);
        continue;
      }
      if (id.empty()) return bad("a node has no id; give it one");
      if (++node_count_ > kMaxNodes) return bad("more than 100000 nodes; this is no protocol");
      Node node{xml, *role, label, 0, 0, {}, {}};
      if (*role != Role::kParallel) node.wait = builder_.place(id);
      if (!nodes.emplace(id, std::move(node)).second) return bad("id '" + id + "' is there twice");
      order.push_back(id);
    }
    std::map<std::string, uint32_t> flows;
    for (const pugi::xml_node& xml : process.children()) {
      if (local_name(xml) != "sequenceFlow") continue;
      const std::string id = xml.attribute("id").as_string();
      const auto from = nodes.find(xml.attribute("sourceRef").as_string());
      const auto to = nodes.find(xml.attribute("targetRef").as_string());
      if (id.empty() || from == nodes.end() || to == nodes.end())
        return bad("sequence flow '" + id + "' does not join two nodes of its process; mend it");
      if (!flows
               .emplace(id,
                        to->second.role == Role::kParallel ? builder_.place(id) : to->second.wait)
               .second)
        return bad("id '" + id + "' is there twice");
      from->second.out.push_back(id);
      to->second.in.push_back(id);
    }
    bool started = false;
    size_t ends = 0;
    for (const std::string& id : order) {
      const Node& node = nodes.at(id);
      started = started || node.role == Role::kStart;
      ends += node.out.empty();
    }
    // A process has ended when all its tokens are gone: with several ends each takes one.
    if (depth_ == 1) drains_ = ends > 1;
    for (const std::string& id : order)
      CASEBOX_CHECK(add(id, nodes.at(id), flows, begin, end, started));
    --depth_;
    return ok();
  }

  /// Lanes, texts, data, conditions: nothing of the order of steps, but somebody drew them.
  void note_unused(const pugi::xml_node& xml) {
    const std::string_view kind = local_name(xml);
    if (xml.type() != pugi::node_element || kind == "incoming" || kind == "outgoing" ||
        kind == "extensionElements" || kind.ends_with("LoopCharacteristics"))
      return;
    if (kind != "sequenceFlow")
      ++counts_["'" + std::string(kind.substr(0, 40)) + "' elements are not used"];
    else if (child(xml, "conditionExpression"))
      ++counts_["conditions of flows are not read: any of the ways may be taken"];
  }

  Result<void> add(const std::string& id, const Node& node,
                   const std::map<std::string, uint32_t>& flows, uint32_t begin, uint32_t end,
                   bool started) {
    std::vector<uint32_t> in, out;
    for (const std::string& f : node.in) in.push_back(flows.at(f));
    for (const std::string& f : node.out) out.push_back(flows.at(f));
    if (node.role == Role::kStart ||
        (!started && node.in.empty() && node.role != Role::kParallel)) {
      if (node.role != Role::kStart) ++counts_["nodes without a way in are where a case may begin"];
      builder_.transition("begin", kSilent, {begin}, {node.wait});
    }
    if (out.empty()) {
      if (node.role != Role::kEnd) ++counts_["nodes without a way out end the case"];
      if (depth_ > 1 || !drains_) out.push_back(end);
    }
    CASEBOX_TRY(const bool chooses, chooses_way(id, node));
    if (chooses) {
      const uint32_t decided = builder_.place(id + ".way");
      for (uint32_t to : out) builder_.transition(id + ".way", kSilent, {decided}, {to});
      out = {decided};
    }
    switch (node.role) {
      case Role::kExclusive:
        for (uint32_t to : out) builder_.transition(id, kSilent, {node.wait}, {to});
        return ok();
      case Role::kParallel:
        if (in.empty()) return bad("parallel gateway '" + id + "' has no way in; mend it");
        builder_.transition(id, kSilent, in, out);
        return ok();
      case Role::kTask: return task(id, node, out);
      case Role::kSub: {
        if (is_empty(node.xml)) {
          ++counts_["empty sub-processes are read as one step"];
          return task(id, node, out);
        }
        const uint32_t done = builder_.place(id + ".done");
        ++counts_["sub-processes were flattened"];
        CASEBOX_CHECK(scope(node.xml, node.wait, done));
        if (loops(node)) builder_.transition(id + ".again", kSilent, {done}, {node.wait});
        builder_.transition(id, kSilent, {done}, out);
        return ok();
      }
      default: builder_.transition(id, kSilent, {node.wait}, out); return ok();
    }
  }

  /// Drawn collapsed, without its inside.
  bool is_empty(const pugi::xml_node& sub) const {
    return std::ranges::none_of(sub.children(), [](const pugi::xml_node& xml) {
      return xml.type() == pugi::node_element && !xml.attribute("id").empty() &&
             local_name(xml) != "incoming" && local_name(xml) != "outgoing";
    });
  }

  /// Several ways out of what is no gateway are all taken, unless conditions and a default say that
  /// one is chosen. Conditions without a default may let none or several pass.
  Result<bool> chooses_way(const std::string& id, const Node& node) {
    if (node.out.size() < 2 || node.role == Role::kExclusive || node.role == Role::kParallel)
      return false;
    size_t conditional = 0;
    for (const pugi::xml_node& xml : node.xml.parent().children())
      if (local_name(xml) == "sequenceFlow" && id == xml.attribute("sourceRef").as_string() &&
          child(xml, "conditionExpression"))
        ++conditional;
    if (conditional == 0) return false;
    if (node.xml.attribute("default").empty())
      return refuse("the choice behind", node.name.empty() ? id : node.name,
                    "conditions without a default way may let none or several pass; use a gateway");
    ++counts_["conditional flows with a default way are read as a choice of one"];
    return true;
  }

  bool loops(const Node& node) {
    const bool loop = child(node.xml, "standardLoopCharacteristics") ||
                      child(node.xml, "multiInstanceLoopCharacteristics");
    if (loop) ++counts_["loop and multi-instance markers are read as: once or more"];
    return loop;
  }

  Result<void> task(const std::string& id, const Node& node, const std::vector<uint32_t>& out) {
    if (node.name.empty()) ++counts_["tasks without a name are silent"];
    const bool repeat = loops(node);
    const int32_t step = node.name.empty() || internal::silent_label(node.name)
                             ? kSilent
                             : builder_.step(node.name, repeat);
    if (!repeat) {
      builder_.transition(id, step, {node.wait}, out);
      return ok();
    }
    const uint32_t done = builder_.place(id + ".done");
    builder_.transition(id, step, {node.wait}, {done});
    builder_.transition(id + ".again", step, {done}, {done});
    builder_.transition(id + ".leave", kSilent, {done}, out);
    return ok();
  }

  std::string name_;
  internal::NormBuilder builder_;
  uint32_t begin_ = 0, end_ = 0;
  bool drains_ = false;  // several ends: the case has ended when nothing waits any more
  size_t node_count_ = 0;
  int depth_ = 0;
  std::map<std::string, uint64_t> counts_;
};

}  // namespace

Result<protocol::Norm> read_bpmn(std::string_view text, const std::string& name) {
  pugi::xml_document document;
  CASEBOX_CHECK(internal::parse_xml(text, name, document));
  const pugi::xml_node definitions = child(document, "definitions");
  pugi::xml_node process;
  int processes = 0;
  for (const pugi::xml_node& node : definitions.children()) {
    if (local_name(node) != "process" || !child(node, "sequenceFlow")) continue;
    if (++processes == 1) process = node;
  }
  if (processes == 0)
    return Error{Code::kInvalidArgument,
                 name + ": no process with sequence flows; give a BPMN 2.0 file"};
  std::string pools;
  for (const pugi::xml_node& collaboration : definitions.children())
    for (const pugi::xml_node& pool : collaboration.children())
      if (local_name(pool) == "participant" && pools.size() < kMaxPools)
        pools += (pools.empty() ? "'" : ", '") + trimmed(pool.attribute("name").as_string()) + "'";
  if (processes > 1)
    return Error{Code::kUnsupported,
                 name + ": has " + std::to_string(processes) + " processes" +
                     (pools.empty() ? "" : ", in the pools " + pools) +
                     ", and each would be a norm of its own; give a file with one of them"};
  CASEBOX_TRY(auto norm, Bpmn(name, process.attribute("id").as_string()).run(process));
  if (!pools.empty())
    norm.notices.push_back("pools: " + pools + "; messages between them are not read");
  return norm;
}

}  // namespace casebox::analytics::readers
