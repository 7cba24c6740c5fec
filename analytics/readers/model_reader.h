#pragma once

// Process models from other tools, as norms without checks: PNML (place/transition nets) and
// BPMN 2.0.
//
// PNML: pages or none; a missing initial or final marking is taken from the places without a way in
// or out; transitions labelled INVISIBLE*, tau or not at all are silent. BPMN: tasks, start and end
// events, exclusive, event-based and parallel gateways, loops, embedded sub-processes (flattened).
// An inclusive or complex gateway or a boundary event is refused by name: it has no meaning as a
// net of this kind. What was repaired or left out is in Norm::notices.
//
// Thread safety: free functions.
// Errors: kInvalidArgument, kUnsupported (refused by name), kNotFound, kIo; all name the file.
// Limits: 64 MiB, 1,000 levels, 100,000 nodes and arcs.

#include <filesystem>
#include <string_view>

#include "analytics/protocol/norm.h"
#include "proto/base/result.h"

namespace casebox::analytics::readers {

Result<protocol::Norm> read_pnml(std::string_view text, const std::string& name);
Result<protocol::Norm> read_bpmn(std::string_view text, const std::string& name);
/// By extension: .pnml, .bpmn (also .xml with either inside).
Result<protocol::Norm> read_model(const std::filesystem::path& path);

}  // namespace casebox::analytics::readers
