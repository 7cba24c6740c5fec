#pragma once

// The files that hold kept copies (kept_facts.h), many cases in one, so that a question to
// thousands of cases opens a few dozen files.
//
//   <store>/kept/<00 to 3f>.pack    the copies of cases whose id's first byte ends in these six
//   bits
//
// A pack: its eight bytes of magic, the number of cases n, n entries of a case id, what its copy is
// about (32 bytes) and offset and size of each sealed part (8 bytes each), ascending by id; then
// the sealed parts, all first ones first, so that a question for one part reads one stretch. A pack
// is replaced as a whole by a rename: who reads one sees it as it was. Two programs that replace
// one at the same time lose copies of one of them, which costs time and nothing else. Nothing here
// is trusted: an entry that was changed names bytes that do not open.
//
// Thread safety: Packs may be read by several threads. Errors: none; what cannot be read or written
// is not there.

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "analytics/facts/kept_form.h"
#include "proto/base/file.h"
#include "proto/base/ids.h"

namespace casebox::tools {

/// The copy of a case that is about to be kept; sealed.
struct NewCopy {
  Digest about{};
  std::array<Bytes, analytics::facts::kKeptParts> parts;
};

class KeptPacks {
 public:
  /// What stands under <store>/kept now.
  static KeptPacks open(const std::filesystem::path& store);

  struct Entry {
    CaseId id;
    Digest about{};
    std::array<std::pair<uint64_t, uint64_t>, analytics::facts::kKeptParts> parts;  // offset, size
  };
  /// Null: there is none.
  const Entry* find(CaseId id) const;
  /// A sealed part of an entry of these packs.
  std::optional<Bytes> read(const Entry& entry, analytics::facts::KeptPart part) const;

  /// Puts copies in place of those that there are of the same cases, and takes those of `gone` out.
  static void put(const std::filesystem::path& store, std::map<CaseId, NewCopy> copies,
                  const std::vector<CaseId>& gone = {});

 private:
  struct Pack {
    Fd file;
    std::vector<Entry> entries;
  };
  static Pack open_pack(const std::filesystem::path& store, size_t number);
  static std::optional<Bytes> read_part(const Pack& pack, const Entry& entry, size_t part);

  std::vector<Pack> packs_;
};

}  // namespace casebox::tools
