#include "proto/base/boot.h"

#include <fstream>
#include <string>

#include "proto/base/ids.h"

namespace casebox {

std::array<uint8_t, 16> machine_boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string text;
  if (std::getline(in, text))
    if (auto id = parse_id<ProducerId>(text)) return id->bytes;
  return {};
}

}  // namespace casebox
