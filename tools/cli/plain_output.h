#pragma once

// Standard output as people and terminals get it. Labels, names and aliases come out of records and
// files: a terminal must not take them for commands, which could wipe a verdict off the screen or
// write another one. Control characters except line ends and tabs are written as `\\x1b`.
//
// Thread safety: call once, before any output.

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace casebox::tools {

/// `text` without control characters (C0, DEL, C1).
std::string printable(std::string_view text);

/// From now on what is written to `stdout` passes through `printable`, line ends and tabs excepted.
void make_output_printable();

/// Whether everything written to `stdout` arrived. kIo or kNoSpace with the cause.
Result<void> finish_output();

}  // namespace casebox::tools
