#pragma once

// Which cases are operations. A row of the store says so, and whoever edits that row could hide an
// operation among the studies: a row that calls itself a study is believed when its frames hold.
//
// Thread safety: the store's. Errors: the store's. Cost: a verification at leaves of every study.

#include <vector>

#include "storage/store.h"

namespace casebox::storage {

/// A study by its row and by its frames. False: it is an operation, or cannot be told from one.
/// What does not hold of a row that says study is kept (storage/found.h).
Result<bool> is_proven_study(const Store& store, const v1::CaseRecord& record);

/// What lists, queries, cohorts and reports are about: operations, and whatever is no proven study.
Result<std::vector<v1::CaseRecord>> proven_operations(const Store& store);
/// The same as rows, by their start and id.
Result<std::vector<CaseRow>> proven_rows(const Store& store);
void sort_rows(std::vector<CaseRow>& rows);

}  // namespace casebox::storage
