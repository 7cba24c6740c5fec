#pragma once

// Collects places, transitions and labels of an imported model.
//
// Thread safety: one thread.

#include <map>
#include <string>

#include "analytics/protocol/norm.h"

namespace casebox::analytics::readers::internal {

class NormBuilder {
 public:
  explicit NormBuilder(std::string id);

  uint32_t place(const std::string& name) { return norm.net.add_place(name); }
  void transition(std::string name, int32_t step, std::vector<uint32_t> in,
                  std::vector<uint32_t> out);
  /// Step of a label, new or known.
  int32_t step(const std::string& label, bool repeat = false);
  void notice(std::string text) { norm.notices.push_back(std::move(text)); }

  protocol::Norm norm;

 private:
  std::map<std::string, int32_t> steps_;
};

/// "INVISIBLE No return", "tau", "tau split", "$invisible$": silent by the name other tools give
/// it.
bool silent_label(const std::string& label);

}  // namespace casebox::analytics::readers::internal
