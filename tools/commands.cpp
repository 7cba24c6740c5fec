#include "tools/commands.h"

namespace casebox::tools {

const std::vector<const Command*>& commands() {
  static const std::vector<const Command*> kAll = {
      &kCasesCommand,
      &kShowCommand,
      &kQueryCommand,
      &kServeCommand,
      &kReplayCommand,
      &kVerifyCommand,
      &kExportCommand,
      &kConsentCommand,
      &kKeysCommand,
      &kRecoverCommand,
      &kSimulateCommand,
      &kConfigCommand,
      &kIngestCommand,
      &kForwardCommand,
      &kTopicsCommand,
      &kCatCommand,
      &kVersionCommand,
  };
  return kAll;
}

}  // namespace casebox::tools
