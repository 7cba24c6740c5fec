#include "proto/keyring/roles.h"

namespace casebox::keyring {
namespace {

constexpr struct {
  v1::ProducerRole role;
  const char* name;
} kNames[] = {{v1::PRODUCER_ROLE_RECORDER, "recorder"},
              {v1::PRODUCER_ROLE_IMPORT, "import"},
              {v1::PRODUCER_ROLE_ANALYSIS, "analysis"},
              {v1::PRODUCER_ROLE_CUSTODY, "custody"}};

}  // namespace

std::string name_of(v1::ProducerRole role) {
  for (const auto& one : kNames)
    if (one.role == role) return one.name;
  return "";
}

v1::ProducerRole role_named(const std::string& name) {
  for (const auto& one : kNames)
    if (one.name == name) return one.role;
  return v1::PRODUCER_ROLE_UNSPECIFIED;
}

}  // namespace casebox::keyring
