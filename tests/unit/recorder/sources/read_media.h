#pragma once

// What a media source makes of the bytes of a file, as tests look at it.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "recorder/sources/media_source.h"
#include "tests/unit/recorder/sources/made_media.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::testing {

struct Read {
  std::string error;
  std::vector<std::string> notices;
  std::vector<v1::Stream> streams;
  std::vector<double> shown;   // case times of pictures, s
  std::vector<double> hidden;  // and of those that are not shown
  std::vector<v1::Gap> gaps;
  recorder::Wall wall;
};

inline Read read(const Bytes& bytes, bool audio = false) {
  recorder::Context context = context_of("scope", "a.bin");
  context.config.set_record_audio(audio);
  auto source = recorder::MediaSource::over(std::move(context), bytes);
  Read out;
  if (!source) {
    out.error = source.error().message;
    return out;
  }
  auto items = all_items(**source);
  EXPECT_TRUE(items) << items.error().message;
  for (const recorder::Item& item : *items) {
    if (item.is_gap()) {
      out.gaps.push_back(std::get<v1::Gap>(item.what));
      continue;
    }
    for (const v1::Packet& p : std::get<recorder::Fragment>(item.what).media.packets())
      ((p.flags() & 8) != 0 ? out.hidden : out.shown)
          .push_back((item.t + nanoseconds(p.dt_ns())).seconds());
  }
  for (const recorder::Skipped& one : (*source)->skipped()) out.notices.push_back(one.reason);
  out.streams = (*source)->streams();
  out.wall = (*source)->wall();
  return out;
}

}  // namespace casebox::testing
