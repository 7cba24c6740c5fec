#pragma once

// The list of commands. Each is defined in tools/commands/<name>.cpp.

#include <vector>

#include "tools/cli/command.h"

namespace casebox::tools {

extern const Command kAnalyzeCommand;
extern const Command kWhyCommand;
extern const Command kRecomputeCommand;
extern const Command kDemoCommand;
extern const Command kCaseCommand;
extern const Command kCasesCommand;
extern const Command kShowCommand;
extern const Command kProtocolCommand;
extern const Command kQueryCommand;
extern const Command kReplayCommand;
extern const Command kVerifyCommand;
extern const Command kExportCommand;
extern const Command kConformCommand;
extern const Command kAccessCommand;
extern const Command kConsentCommand;
extern const Command kKeysCommand;
extern const Command kRecoverCommand;
extern const Command kBackupCommand;
extern const Command kRestoreCommand;
extern const Command kCatCommand;
extern const Command kBenchCommand;
extern const Command kConfigCommand;
extern const Command kForwardCommand;
extern const Command kImportCommand;
extern const Command kIngestCommand;
extern const Command kQuarantineCommand;
extern const Command kRequeueCommand;
extern const Command kRecordCommand;
extern const Command kReportCommand;
extern const Command kServeCommand;
extern const Command kSimulateCommand;
extern const Command kTopicsCommand;
extern const Command kVersionCommand;

/// In the order in which --help lists them.
const std::vector<const Command*>& commands();

}  // namespace casebox::tools
