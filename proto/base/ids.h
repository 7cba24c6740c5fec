#pragma once

// Strong ids: never a bare integer or string across a function boundary.
//
// Thread safety: plain values.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox {

/// A 16-byte random id (UUIDv4: a time-ordered one would give away the date).
template <typename Tag>
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  BytesView view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  bool is_nil() const { return bytes == std::array<uint8_t, 16>{}; }
};

using CaseId = Uuid<struct CaseIdTag>;
using ProducerId = Uuid<struct ProducerIdTag>;

namespace internal {
std::array<uint8_t, 16> random_uuid_bytes();
std::string uuid_text(const std::array<uint8_t, 16>& bytes);
Result<std::array<uint8_t, 16>> parse_uuid(std::string_view text);
Result<std::array<uint8_t, 16>> uuid_from_bytes(BytesView bytes);
}  // namespace internal

/// A new random id from the operating system's generator.
template <typename Id>
Id random_id() {
  return Id{internal::random_uuid_bytes()};
}

/// 8-4-4-4-12 lower-case hex.
template <typename Tag>
std::string to_string(const Uuid<Tag>& id) {
  return internal::uuid_text(id.bytes);
}

/// From 8-4-4-4-12 text or 32 hex digits; kInvalidArgument otherwise.
template <typename Id>
Result<Id> parse_id(std::string_view text) {
  CASEBOX_TRY(auto bytes, internal::parse_uuid(text));
  return Id{bytes};
}

/// From exactly 16 raw bytes; kCorrupt otherwise.
template <typename Id>
Result<Id> id_from_bytes(BytesView bytes) {
  CASEBOX_TRY(auto raw, internal::uuid_from_bytes(bytes));
  return Id{raw};
}

/// A number that is not interchangeable with any other.
template <typename Tag, typename T>
struct Strong {
  T value{};
  auto operator<=>(const Strong&) const = default;
};

/// Random id of one producer run in one case.
using Epoch = Strong<struct EpochTag, uint64_t>;
/// From the case's stream registry; 0 is the producer's own stream.
using StreamId = Strong<struct StreamIdTag, uint32_t>;
/// Number of an item in its stream and epoch; items tile from 0.
using ItemNumber = Strong<struct ItemNumberTag, uint64_t>;
/// 60 s key period of a stream.
using KeyPeriod = Strong<struct KeyPeriodTag, uint16_t>;

constexpr StreamId kControlStream{0};

/// A new random, non-zero epoch.
Epoch random_epoch();
/// 16 lower-case hex digits.
std::string to_string(Epoch epoch);

}  // namespace casebox

template <typename Tag>
struct std::hash<casebox::Uuid<Tag>> {
  size_t operator()(const casebox::Uuid<Tag>& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};

template <typename Tag, typename T>
struct std::hash<casebox::Strong<Tag, T>> {
  size_t operator()(const casebox::Strong<Tag, T>& id) const noexcept {
    return std::hash<T>{}(id.value);
  }
};
