#include "analytics/protocol/internal/flow_compiler.h"

namespace casebox::analytics::protocol::internal {
namespace {

constexpr size_t kMaxTransitions = 100'000;

Error bad(const std::string& where, const std::string& what) {
  return Error{Code::kInvalidArgument, where + ": " + what};
}

int fields_set(const v1::ProtocolFlow& flow) {
  return !flow.step().empty() + (flow.sequence_size() > 0) + (flow.any_order_size() > 0) +
         (flow.choice_size() > 0) + flow.has_optional() + flow.has_loop();
}

}  // namespace

void FlowCompiler::silent(const std::string& name, std::vector<uint32_t> in,
                          std::vector<uint32_t> out) {
  net_.transitions.push_back({name, kSilent, std::move(in), std::move(out)});
}

Result<void> FlowCompiler::compile(const v1::ProtocolFlow& flow, const std::string& where,
                                   uint32_t from, uint32_t to) {
  if (net_.transitions.size() > kMaxTransitions)
    return bad(where, "more than 100000 steps in the flow; split the protocol");
  if (fields_set(flow) != 1)
    return bad(where, fields_set(flow) == 0
                          ? "says nothing; write one of step, sequence, any_order, choice, "
                            "optional, loop"
                          : "says several things; write one of step, sequence, any_order, choice, "
                            "optional, loop");
  if (!flow.step().empty()) return step(flow.step(), where, from, to);
  if (flow.sequence_size() > 0) {
    for (int i = 0; i < flow.sequence_size(); ++i) {
      const uint32_t next = i + 1 == flow.sequence_size() ? to : place();
      CASEBOX_CHECK(
          compile(flow.sequence(i), where + ".sequence[" + std::to_string(i) + "]", from, next));
      from = next;
    }
    return ok();
  }
  if (flow.choice_size() > 0) {
    for (int i = 0; i < flow.choice_size(); ++i)
      CASEBOX_CHECK(
          compile(flow.choice(i), where + ".choice[" + std::to_string(i) + "]", from, to));
    return ok();
  }
  if (flow.has_optional()) {
    silent("skip", {from}, {to});
    return compile(flow.optional(), where + ".optional", from, to);
  }
  if (flow.has_loop()) return loop(flow.loop(), where + ".loop", from, to);
  return any_order(flow, where + ".any_order", from, to);
}

Result<void> FlowCompiler::step(const std::string& id, const std::string& where, uint32_t from,
                                uint32_t to) {
  auto found = lookup_(id);
  if (!found) return bad(where, found.error().message);
  const auto label = static_cast<int32_t>(*found);
  if (!repeats(*found)) {
    net_.transitions.push_back({id, label, {from}, {to}});
    return ok();
  }
  // A place of its own: one shared with other branches would let the step follow them.
  const uint32_t done = place();
  net_.transitions.push_back({id, label, {from}, {done}});
  net_.transitions.push_back({id, label, {done}, {done}});
  silent("done", {done}, {to});
  return ok();
}

Result<void> FlowCompiler::any_order(const v1::ProtocolFlow& flow, const std::string& where,
                                     uint32_t from, uint32_t to) {
  std::vector<uint32_t> begins, ends;
  for (int i = 0; i < flow.any_order_size(); ++i) {
    begins.push_back(place());
    ends.push_back(place());
  }
  silent("split", {from}, begins);
  for (int i = 0; i < flow.any_order_size(); ++i)
    CASEBOX_CHECK(
        compile(flow.any_order(i), where + "[" + std::to_string(i) + "]", begins[i], ends[i]));
  silent("join", ends, {to});
  return ok();
}

Result<void> FlowCompiler::loop(const v1::ProtocolLoop& loop, const std::string& where,
                                uint32_t from, uint32_t to) {
  if (!loop.has_body()) return bad(where, "has no body; write what is repeated");
  const uint32_t begin = place(), end = place();
  silent("enter", {from}, {begin});
  CASEBOX_CHECK(compile(loop.body(), where + ".body", begin, end));
  if (loop.has_redo())
    CASEBOX_CHECK(compile(loop.redo(), where + ".redo", end, begin));
  else
    silent("again", {end}, {begin});
  silent("leave", {end}, {to});
  return ok();
}

}  // namespace casebox::analytics::protocol::internal
