#pragma once

// Planted: does not compile alone, since nothing here includes <string>. The test of the header
// check wants it refused.

namespace casebox {
std::string planted();
}
