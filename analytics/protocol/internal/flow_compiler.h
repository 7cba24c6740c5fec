#pragma once

// A flow as a piece of Petri net between two places. Each piece never puts a token back on its
// first place nor takes one from its last, so pieces can share them and the whole stays safe.
//
// Thread safety: one thread. Errors: kInvalidArgument, with the flow's place in the file.

#include <functional>
#include <string>

#include "analytics/protocol/net.h"
#include "casebox/v1/protocol.pb.h"
#include "proto/base/result.h"

namespace casebox::analytics::protocol::internal {

class FlowCompiler {
 public:
  /// Index of a step, with latitude free refused.
  using StepLookup = std::function<Result<uint32_t>(const std::string& id)>;

  FlowCompiler(Net& net, StepLookup lookup) : net_(net), lookup_(std::move(lookup)) {}

  Result<void> compile(const v1::ProtocolFlow& flow, const std::string& where, uint32_t from,
                       uint32_t to);

 private:
  uint32_t place() { return net_.add_place("p" + std::to_string(net_.places.size())); }
  void silent(const std::string& name, std::vector<uint32_t> in, std::vector<uint32_t> out);
  Result<void> step(const std::string& id, const std::string& where, uint32_t from, uint32_t to);
  Result<void> any_order(const v1::ProtocolFlow& flow, const std::string& where, uint32_t from,
                         uint32_t to);
  Result<void> loop(const v1::ProtocolLoop& loop, const std::string& where, uint32_t from,
                    uint32_t to);

  Net& net_;
  StepLookup lookup_;

 public:
  std::function<bool(uint32_t)> repeats;  // may the step follow itself?
};

}  // namespace casebox::analytics::protocol::internal
