#pragma once

// Which start of the machine this is: CLOCK_MONOTONIC of one start says nothing of another.
//
// Thread safety: free function. Errors: zeros where the system does not tell.

#include <array>
#include <cstdint>

namespace casebox {

/// The kernel's boot id, 16 bytes.
std::array<uint8_t, 16> machine_boot_id();

}  // namespace casebox
