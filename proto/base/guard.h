#pragma once

// The end of exceptions: libraries of others throw, and a command, a request or a thread that lets
// one through ends the whole program. Each of them runs its work in `guarded`.
//
// What an exception says may quote what was being read, so only its kind is told.
//
// Thread safety: free functions. Errors: kInternal; kNoSpace for memory.

#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>

#include "proto/base/result.h"

namespace casebox {

/// Runs `work`, which returns a Result; an exception becomes "<where>: <what to do>".
template <typename Work>
auto guarded(const std::string& where, Work&& work) -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    return Error{Code::kNoSpace, where + ": not enough memory; give it more, or ask for less"};
  } catch (const std::system_error& error) {
    return Error{Code::kIo, where + ": " + error.code().message() +
                                "; check the disk, and where the output goes"};
  } catch (const std::exception& error) {
    return Error{Code::kInternal, where + ": stopped by a defect of this program (" +
                                      typeid(error).name() + "); please report it"};
  } catch (...) {
    return Error{Code::kInternal,
                 where + ": stopped by a defect of this program; please report it"};
  }
}

}  // namespace casebox
