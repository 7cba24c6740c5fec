#pragma once

// Observations of HL7 version 2 messages (ORU: HL7 2.3 to 2.9, chapter 7) in a file: one message or
// many, behind each other, in a batch, or as MLLP sends them; lines end as they please.
//
// Of a message: when it was sent (MSH-7), when its group was observed (OBR-7), and each OBX: its
// identifier (OBX-3), values (OBX-5), unit (OBX-6), state (OBX-11), time (OBX-14). Patient, visit
// and orders are passed over and never kept.
//
// Thread safety: free function.
// Errors: kInvalidArgument `<file>:<line>: <what>; <what to do>`; they quote nothing of a message.
// Limits: 256 MiB, lines of 1 MiB, 4 million observations, 4096 names of them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "recorder/sources/source.h"

namespace casebox::recorder::internal {

struct Hl7Observation {
  int64_t ns = 0;   // since 1970
  size_t name = 0;  // in Hl7File::names; of a text its own
  double value = 0;
  std::string text;  // of one that is no number, as sent
};

struct Hl7Name {
  std::string name, unit;
};

struct Hl7File {
  std::vector<Hl7Name> names;           // of numbers
  std::vector<Hl7Observation> numbers;  // by time
  std::vector<Hl7Observation> texts;    // by time
  std::vector<std::string> text_names;
  Wall::Kind wall = Wall::Kind::kUtc;
  int64_t grain_ns = 1;  // of the coarsest time
  std::vector<std::string> notices;
};

/// `zone`: of times that tell none ("Z", "+02:00"); empty: not known.
Result<Hl7File> read_hl7(BytesView bytes, const std::string& name, const std::string& zone = "",
                         const std::string& encoding = "");

/// A time such as 20240131101530.25+0200; the zone is nullopt where it tells none.
struct Hl7Time {
  int64_t local_ns = 0;
  std::optional<int64_t> zone_ns;
  int64_t grain_ns = 1;
};
std::optional<Hl7Time> parse_hl7_time(std::string_view text);

}  // namespace casebox::recorder::internal
