#pragma once

// What the readers of sampled signals share: the times of an even stream, its registry entry, and
// the items and gaps that its samples become.
//
// A tick of which no channel has a value is no item but a part of a gap of known count; a value
// that is missing beside others is marked in its channel.
//
// Thread safety: plain values and free functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/source.h"

namespace casebox::recorder::internal {

__extension__ typedef unsigned __int128 Wide;  // products of two 64-bit numbers

/// Ticks a second as a fraction; 0/1: not even.
struct Rate {
  uint64_t num = 0;
  uint64_t den = 1;

  /// Of `text`, a decimal number such as "62.4725", times `factor`; num 0 where it is none, or is
  /// beyond 1e-6 to 1e9 Hz.
  static Rate of(std::string_view text, uint64_t factor = 1);
  bool even() const { return num > 0; }
  double hz() const { return static_cast<double>(num) / static_cast<double>(den); }
  /// ns from the first tick to the k-th; saturates.
  int64_t ns_of(uint64_t k) const;
  friend bool operator==(const Rate&, const Rate&) = default;
  friend auto operator<=>(const Rate&, const Rate&) = default;
};

/// Names of the streams of one file: "waves" from 10 Hz on, else "numerics"; with the rate behind
/// it, "waves_62_5hz", where several rates go by one word.
std::vector<std::string> rate_names(const std::vector<Rate>& rates);

/// A number in plain text, e.g. "-12.5e3"; false for anything else and for what is not finite.
bool read_number(std::string_view text, double& out);
std::string_view trimmed(std::string_view text);

/// A stream of samples as the readers register it: a wave from 10 Hz on, else numerics.
v1::Stream sample_stream(const std::string& name, Rate rate, const std::string& device);
/// Text may come from a file: names lose what could be mistaken in a stream's name.
std::string name_part(const text::Text& told, const std::string& otherwise);
v1::Channel& add_channel(v1::Stream& stream, const std::string& name, const std::string& unit,
                         v1::SampleType type);
v1::Stream event_stream(const std::string& name, const std::string& device);

/// Values of one stream, tick by tick, before they become items. `missing` may be empty: none.
struct Ticks {
  std::vector<Column> columns;
  uint64_t count = 0;
};

/// A gap of `stream` between two times of the file. `missing` 0: nobody knows how many.
Item gap_item(size_t stream, const FileClock& clock, int64_t from_ns, int64_t to_ns,
              v1::Gap::Origin origin, const char* reason, uint64_t missing = 0);
Item event_item(size_t stream, const FileClock& clock, int64_t t_ns, v1::Event event);

/// Ticks of an even stream as items of at most 8192 ticks and 16,384 values. The first is the
/// `first`-th from `origin_ns` on; ticks without any value become gaps, their cause `reason`.
void put_ticks(size_t stream, const FileClock& clock, Rate rate, int64_t origin_ns, uint64_t first,
               Ticks ticks, const char* reason, std::vector<Item>& out);

}  // namespace casebox::recorder::internal
