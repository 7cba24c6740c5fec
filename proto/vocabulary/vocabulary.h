#pragma once

// What may stand in the clear. Stream frames, gaps, pauses and case frames can be read without a
// key, so of their texts only words of a closed list, or codes of a fixed form, are written as they
// are; everything else is sealed and a token stands in its place (proto/keyring/sealed_names.h).
// The words and where they come from: proto/vocabulary/internal/words.h. A word that is taken off
// the list is sealed from then on; frames written before stay as they are.
//
// Thread safety: free functions over constants.
// Errors: none; an unknown text is simply not in the list.

#include <string_view>

namespace casebox::vocabulary {

/// `<source>.<what>` or `<source>.<device>.<what>`, every part a word of the list, the last with a
/// counter from 2 to 99 at most: "monitor.ecg", "monitor.Solar8000.ART_2", "scope.video2".
bool is_stream_name(std::string_view name);
/// Names of measured quantities, e.g. "ECG_II", with a counter at most.
bool is_channel_name(std::string_view name);
/// UCUM, e.g. "mm[Hg]"; the empty unit is known.
bool is_unit(std::string_view unit);
/// A type of device, never one device: "patient-monitor", "Primus". Empty is known.
bool is_device(std::string_view device);
/// Why items are missing, recording paused or a stream is absent: "disconnected".
bool is_reason(std::string_view reason);
/// Who acted, as a role: "nurse". Empty is known.
bool is_role(std::string_view role);
/// ISO/IEEE 11073-10101 reference ids, e.g. "MDC_ECG_HEART_RATE". Empty is known.
bool is_nomenclature(std::string_view code);
/// Names of libavcodec. Empty is known.
bool is_codec(std::string_view codec);
/// RFC 6381 strings of known codecs: a known first element, then hexadecimal and dots.
bool is_codec_string(std::string_view codec);
/// Types of sources of a recorder's settings: "media".
bool is_source_type(std::string_view type);
/// Units of a source's own time: "ns", or a time base "1/90000". Empty is known.
bool is_time_unit(std::string_view unit);
/// How files spell a value that is not a number. Empty is known.
bool is_missing_text(std::string_view text);

/// A code that a site gives: a procedure, a room. `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
bool is_code(std::string_view text);
/// Name and version of a program: letters, digits and " ._+-:~/()", at most 64, a letter first.
bool is_software(std::string_view text);
/// What to write instead of something that is no code; never repeats it.
constexpr const char* kCodeForm =
    "write a code of letters, digits, '.', '_' and '-', at most 64, beginning with a letter or "
    "digit";

}  // namespace casebox::vocabulary
