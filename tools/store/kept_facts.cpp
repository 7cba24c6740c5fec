#include "tools/store/kept_facts.h"

#include <algorithm>
#include <utility>

#include "proto/base/parallel.h"
#include "proto/seal/seal.h"
#include "storage/case_record.h"
#include "storage/found.h"
#include "tools/cli/build_id.h"
#include "tools/store/kept_verdicts.h"

namespace casebox::tools {
namespace {

namespace facts = analytics::facts;

constexpr size_t kMadeBytes = 64u << 20;  // of copies that wait to be written

/// What is bound to each part.
Bytes bound(const Digest& about, size_t part) {
  return Bytes(view(about)) + static_cast<char>(part);
}

}  // namespace

void KeptFacts::forget(const StoreAccess& access, CaseId id) {
  KeptPacks::put(access.options().store, {}, {id});
}

Result<std::unique_ptr<KeptFacts>> KeptFacts::of(StoreAccess& access) {
  std::unique_ptr<KeptFacts> out(new KeptFacts(access));
  CASEBOX_TRY(out->list_, access.trust_if_any());
  out->found_ = storage::all_found(access.options().store);
  out->doubted_ = !access.store().notices().empty();
  if (access.keystore() != nullptr) out->build_ = build_id();
  return out;
}

Result<facts::CaseFacts> KeptFacts::header(const storage::CaseRow& row) {
  CASEBOX_TRY(facts::CaseFacts out, facts::header_facts(row.record));
  CASEBOX_TRY(const KeptVerdict kept, verdict_of(access_, row, address(list_)));
  if (!verify::may_be_shown(kept.verdict)) {
    // The store's row is worth nothing then: what the frames say of it is asked about.
    CASEBOX_TRY(const auto proven, access_.read_accounting(out.id));
    CASEBOX_TRY(out, facts::header_facts(proven->record()));
  }
  out.verdict = verify::to_string(kept.verdict);
  out.complete = verify::is_complete(kept.verdict);
  out.listed = true;
  return out;
}

std::vector<std::optional<facts::CaseFacts>> KeptFacts::headers(
    std::span<const storage::CaseRow> rows) const {
  std::vector<std::optional<facts::CaseFacts>> out(rows.size());
  if (doubted_) return out;
  for_each_index(rows.size(), [&](size_t i) {
    auto one = facts::header_facts(rows[i].record);
    if (!one || found_.contains(one->id)) return;
    const auto kept = kept_verdict(access_, rows[i], address(list_));
    if (!kept || !*kept || !verify::may_be_shown((*kept)->verdict)) return;
    one->verdict = verify::to_string((*kept)->verdict);
    one->complete = verify::is_complete((*kept)->verdict);
    one->listed = true;
    out[i] = std::move(*one);
  });
  return out;
}

Digest KeptFacts::about(const storage::CaseRow& row) const {
  return seal::sha256({view(row.digest), view(trusted(address(list_), row.record)),
                       view(seal::sha256(row.verdict)), build_});
}

std::optional<verify::Verdict> KeptFacts::usable(const storage::CaseRow& row) const {
  // A store that lost something, or whose ledger is not what it was, is asked anew.
  // So is a case whose consent its row does not tell for certain.
  if (build_.empty() || doubted_ || row.record.state() == v1::CASE_STATE_OPEN ||
      !storage::row_tells_consent(row.record))
    return std::nullopt;
  const auto id = id_from_bytes<CaseId>(row.record.case_id());
  const auto said = said_verdict(row.verdict);
  if (!id || found_.contains(*id) || !said || !verify::is_complete(said->verdict))
    return std::nullopt;
  return said->verdict;
}

Result<OpenCopies> KeptFacts::open(std::span<const storage::CaseRow> rows, keyring::Purpose purpose,
                                   const facts::Needs& needs) {
  OpenCopies out;
  const auto packs = std::make_shared<const KeptPacks>(KeptPacks::open(access_.options().store));
  out.packs_ = packs;
  out.keyring_ = &access_.keyring();
  out.needs_ = needs;
  out.rows_.resize(rows.size());
  for_each_index(rows.size(), [&](size_t i) {
    // That the verdict holds was looked at when the copy was made of it: a copy that opens is one
    // of this row, this verdict and these signers. No other opens.
    const auto verdict = usable(rows[i]);
    if (!verdict) return;
    const CaseId id = *id_from_bytes<CaseId>(rows[i].record.case_id());
    const KeptPacks::Entry* entry = packs->find(id);
    if (entry != nullptr && entry->about == about(rows[i]))
      out.rows_[i] = OpenCopies::Copy{id, entry, *verdict, std::nullopt};
  });
  std::vector<keyring::Gate::Asked> asked;
  for (size_t i = 0; i < rows.size(); ++i)
    if (out.rows_[i])
      asked.push_back(
          {out.rows_[i]->id, access::consent_of(rows[i].record), rows[i].record.case_public_key()});
  CASEBOX_TRY(auto openings, access_.keyring().gate().open(asked, purpose));
  auto next = openings.begin();
  for (auto& row : out.rows_)
    if (row) row->opening = std::move(*next++);
  return out;
}

std::optional<facts::CaseFacts> OpenCopies::read_one(const Copy& copy) const {
  if (!copy.opening) return std::nullopt;
  auto key = keyring_->kept_key(*copy.opening);
  if (!key) return std::nullopt;
  facts::CaseFacts one;
  one.id = copy.id;
  for (size_t p = 0; p < facts::kKeptParts; ++p) {
    const auto part = static_cast<facts::KeptPart>(p);
    if (!facts::needed(part, needs_)) continue;
    const auto sealed = packs_->read(*copy.entry, part);
    if (!sealed) return std::nullopt;
    const auto plain = key->open(*sealed, bound(copy.entry->about, p));
    if (!plain || !facts::from_kept(*plain, part, one)) return std::nullopt;
  }
  one.verdict = verify::to_string(copy.verdict);
  one.complete = one.listed = true;
  facts::restrict_to(needs_, one);
  return one;
}

std::vector<std::optional<facts::CaseFacts>> OpenCopies::read(size_t from, size_t n) const {
  std::vector<std::optional<facts::CaseFacts>> out(n);
  for_each_index(n, [&](size_t i) {
    if (const auto& row = rows_[from + i]) out[i] = read_one(*row);
  });
  return out;
}

Result<facts::CaseFacts> KeptFacts::read_case(const storage::CaseRow& row, keyring::Purpose purpose,
                                              const facts::Needs& needs) {
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(row.record.case_id()));
  CASEBOX_TRY(const auto reader, access_.read_case(id, purpose));
  const auto verdict = usable(row);
  CASEBOX_TRY(const auto kept, kept_verdict(access_, row, address(list_)));
  CASEBOX_TRY(const auto now, access_.store().find_row(id));
  // What else there is in a case must not keep a question from what it needs.
  if (!verdict || !kept || kept->verdict != *verdict || *verdict != reader->verdict() ||
      !reader->readable() || !now || now->digest != row.digest)
    return facts::read_facts(*reader, needs);
  auto all = facts::read_facts(*reader, facts::every_need());
  if (!all || all->verdict != verify::to_string(*verdict)) return facts::read_facts(*reader, needs);
  NewCopy copy;
  copy.about = about(row);
  for (size_t p = 0; p < facts::kKeptParts; ++p) {
    CASEBOX_TRY(copy.parts[p],
                reader->seal_kept(facts::to_kept(*all, static_cast<facts::KeptPart>(p)),
                                  bound(copy.about, p)));
    made_bytes_ += copy.parts[p].size();
  }
  made_.insert_or_assign(id, std::move(copy));
  if (made_bytes_ > kMadeBytes) keep();
  facts::restrict_to(needs, *all);
  return *std::move(all);
}

void KeptFacts::keep() {
  if (!made_.empty()) KeptPacks::put(access_.options().store, std::exchange(made_, {}));
  made_bytes_ = 0;
}

}  // namespace casebox::tools
