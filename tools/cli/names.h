#pragma once

// How the commands and documents of this program name things: as analytics does.

#include "analytics/names.h"

namespace casebox::tools {

using analytics::clock_text;
using analytics::dashed;
using analytics::fixed;
using analytics::name_of;
using analytics::rfc3339;
using analytics::scope_from;
using analytics::seconds_of;
using analytics::shortest;
using analytics::utc_from;

}  // namespace casebox::tools
