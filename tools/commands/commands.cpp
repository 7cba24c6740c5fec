#include "tools/commands/commands.h"

namespace casebox::tools {

const std::vector<const Command*>& commands() {
  static const std::vector<const Command*> kAll = {
      &kDemoCommand,     &kCasesCommand,    &kShowCommand,       &kQueryCommand,
      &kAnalyzeCommand,  &kWhyCommand,      &kRecomputeCommand,  &kConformCommand,
      &kProtocolCommand, &kServeCommand,    &kReportCommand,     &kReplayCommand,
      &kVerifyCommand,   &kExportCommand,   &kConsentCommand,    &kKeysCommand,
      &kRecoverCommand,  &kSimulateCommand, &kConfigCommand,     &kRecordCommand,
      &kImportCommand,   &kIngestCommand,   &kQuarantineCommand, &kRequeueCommand,
      &kForwardCommand,  &kTopicsCommand,   &kCatCommand,        &kBackupCommand,
      &kRestoreCommand,  &kBenchCommand,    &kVersionCommand,    &kCaseCommand,
      &kAccessCommand,
  };
  return kAll;
}

}  // namespace casebox::tools
