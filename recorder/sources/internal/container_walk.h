#pragma once

// The skeletons of containers other than Matroska, piece after piece, to find where one ends early
// or holds what is no piece of it: AVI (Microsoft RIFF, OpenDML 1.02), MP4 in movie fragments
// (ISO/IEC 14496-12), FLV (Adobe, version 10.1), MPEG program and transport streams (ISO/IEC
// 13818-1, 2.5 and 2.4). Payloads are passed over. Of an MP4 whose packets one index names, that
// index tells more, and nothing is said here.
//
// Limits: 64 M pieces, after which nothing is said.
// Thread safety: free function.

#include <optional>
#include <string_view>

#include "recorder/sources/internal/file_damage.h"

namespace casebox::recorder::internal {

/// The first damage of a file that libavformat calls `format` ("avi", "mov,mp4,...", "flv",
/// "mpeg", "mpegts"); nullopt for a sound file, or one of another format.
std::optional<FileDamage> find_container_damage(std::string_view format, const ReadAt& read,
                                                uint64_t file_size);

/// What an MP4 or MOV file is that cannot be opened: true where it has packets and no index of
/// them.
bool lacks_movie_index(const ReadAt& read, uint64_t file_size);

}  // namespace casebox::recorder::internal
