#pragma once

// Norms and event logs named on a command line: protocol files, PNML, BPMN, or the id of a protocol
// the program carries with it; XES or CSV logs.
//
// Thread safety: free functions. Errors: kInvalidArgument, kNotFound, kUnsupported; all name the
// file.

#include <string>
#include <vector>

#include "analytics/event_log.h"
#include "analytics/protocol/norm.h"
#include "analytics/readers/xes_reader.h"
#include "proto/base/result.h"
#include "tools/cli/command.h"
#include "tools/config/protocol_yaml.h"

namespace casebox::tools {

struct NormFile {
  analytics::protocol::Norm norm;
  std::string path;       // as given; "built in: <id>" for one of the program's own
  std::string sha256;     // hex, of the file's bytes
  ProtocolFile protocol;  // of a protocol file: with its lines
};

/// `model`: a path, or the id of a built-in protocol.
Result<NormFile> load_norm(const std::string& model);
/// Ids of the protocols the program carries.
std::vector<std::string> built_in_protocols();

/// A log by what it holds (analytics/readers/log_kind.h). `columns`: "case=ID,activity=WHAT,...".
Result<analytics::EventLog> load_log(const std::string& path,
                                     const std::vector<std::string>& columns,
                                     const std::string& dates,
                                     analytics::readers::Planned* planned = nullptr);

/// "start", "end", "source".
Result<analytics::OrderBasis> parse_order(const std::string& text);

/// --columns, --dates: what load_log takes, for a command's table of arguments.
std::vector<Arg> log_args();

}  // namespace casebox::tools
