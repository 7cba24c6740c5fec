#include "tools/findings/study.h"

#include <algorithm>
#include <map>
#include <set>

#include "proto/producer/identity.h"
#include "proto/seal/seal.h"
#include "recorder/session.h"
#include "tools/cli/json.h"
#include "tools/query/parser.h"

namespace casebox::tools {
namespace {

namespace finding = analytics::finding;

// At most eight ranges of about 150 bytes a case: far below what a frame and a broker take.
constexpr size_t kMembersPerFinding = 200;
constexpr size_t kMaxOwnSources = 2000;

std::string cases_text(size_t n) { return std::to_string(n) + (n == 1 ? " case" : " cases"); }

Bytes config_digest(const StudyQuestion& question) {
  Bytes out = "casebox.study/1";
  for (const std::string* field : {&question.job, &question.cohort, &question.options}) {
    append_be(out, static_cast<uint64_t>(field->size()));
    out += *field;
  }
  return Bytes(view(seal::sha256(out)));
}

/// The member's frames as ranges with their digests, which name their case.
Result<std::vector<v1::SourceRange>> hashed(StoreAccess& access, const StudyMember& member) {
  if (member.frames.empty()) return std::vector<v1::SourceRange>{};
  std::vector<storage::SourceRef> frames;
  for (const v1::SourceRange& range : member.frames)
    frames.push_back({Epoch{range.epoch()}, StreamId{range.stream_id()},
                      ItemNumber{range.first_number()},
                      static_cast<uint32_t>(range.last_number() - range.first_number() + 1)});
  CASEBOX_TRY(auto reader, access.read_accounting(member.case_id));
  CASEBOX_TRY(auto out, finding::Sources(*reader).ranges(std::move(frames)));
  for (v1::SourceRange& range : out) range.set_case_id(Bytes(member.case_id.view()));
  return out;
}

Bytes inputs_digest(const std::vector<finding::Draft>& cohort) {
  seal::Sha256 sum;
  Bytes bytes = "casebox.study-inputs/1";
  for (const finding::Draft& draft : cohort) {
    for (const auto& [case_id, how] : draft.labels) {
      append_be(bytes, static_cast<uint64_t>(case_id.size()));
      bytes += case_id;
    }
    for (const v1::SourceRange& range : draft.sources) {
      bytes += range.case_id();
      append_be(bytes, range.epoch());
      append_be(bytes, range.stream_id());
      append_be(bytes, range.first_number());
      append_be(bytes, range.last_number());
      bytes += range.sha256();
    }
    sum.update(bytes);
    bytes.clear();
  }
  return Bytes(view(sum.finish()));
}

/// Who was in the cohort and what was looked at, in findings of a bounded number of cases each.
Result<std::vector<finding::Draft>> cohort_drafts(StoreAccess& access,
                                                  const std::vector<StudyMember>& cohort) {
  std::vector<const StudyMember*> members;
  for (const StudyMember& one : cohort) members.push_back(&one);
  std::ranges::sort(members, {}, &StudyMember::case_id);
  std::vector<finding::Draft> out;
  for (size_t from = 0; from < members.size() || from == 0; from += kMembersPerFinding) {
    finding::Draft& draft = out.emplace_back();
    const size_t to = std::min(members.size(), from + kMembersPerFinding);
    size_t withheld = 0;
    for (size_t i = from; i < to; ++i) {
      const StudyMember& one = *members[i];
      std::string& how = draft.labels[to_string(one.case_id)];
      for (const std::string& reason : one.withheld)
        how += (how.empty() ? "times withheld: " : "; ") + reason;
      if (how.empty()) how = "used";
      withheld += one.withheld.empty() ? 0 : 1;
      CASEBOX_TRY(const auto ranges, hashed(access, one));
      draft.sources.insert(draft.sources.end(), ranges.begin(), ranges.end());
    }
    draft.kind = kCohortKind;
    draft.place = "cohort/" + std::to_string(from / kMembersPerFinding);
    draft.values = {{"cases", static_cast<double>(to - from)},
                    {"withheld", static_cast<double>(withheld)}};
    draft.text =
        "cohort: " + cases_text(to - from) + ", times of " + std::to_string(withheld) + " withheld";
  }
  return out;
}

/// Case time of a run: since the study's first. A wall clock set back does not go before that.
CaseTime time_of_run(const v1::CaseRecord& record, UtcTime now) {
  return {std::max<int64_t>(0, now.ns - static_cast<int64_t>(record.start_utc_ns()))};
}

/// Begins an epoch of the study: its first, or one more of `known`.
Result<std::unique_ptr<producer::Producer>> begin(StoreAccess& access, log::Writer& log, CaseId id,
                                                  const v1::CaseRecord* known, UtcTime now) {
  CASEBOX_TRY(auto key, access.keystore()->signing_key("analysis"));
  producer::Options options;
  options.case_id = id;
  options.producer_id = producer::producer_id_of(key);
  options.role = v1::PRODUCER_ROLE_RECORDER;
  options.details.set_kind(v1::CASE_KIND_STUDY);
  options.details.set_software("casebox " + program_version());
  if (known != nullptr) {
    std::copy_n(reinterpret_cast<const uint8_t*>(known->case_public_key().data()), 32,
                options.case_public_key.begin());
    options.details.set_partition(known->partition());
    options.details.set_start_utc_ns(known->start_utc_ns());
    options.details.set_start_utc_u95_ns(known->start_utc_u95_ns());
    options.opened_at = time_of_run(*known, now);
  } else {
    CASEBOX_TRY(const auto case_key, access.keystore()->take_case_key());
    options.case_public_key = case_key.public_key;
    options.case_key_reused = case_key.reused;
    options.details.set_start_utc_ns(static_cast<uint64_t>(std::max<int64_t>(1, now.ns)));
    options.details.set_start_utc_u95_ns(recorder::wall_clock_u95_ns());
  }
  return producer::Producer::open(std::move(options), std::move(key), log, access.clock());
}

Result<void> write_question(producer::Producer& producer, Clock& clock,
                            const StudyQuestion& question) {
  CASEBOX_TRY(const StreamId id,
              producer.add_stream(analysis_stream("study.details", v1::STREAM_KIND_DETAILS)));
  v1::EventBatch batch;
  v1::StudyDetails& details = *batch.add_events()->mutable_details()->mutable_study();
  details.set_job(question.job);
  details.set_cohort(question.cohort);
  details.set_options(question.options);
  producer::Data data;
  data.stream = id;
  data.t_capture = clock.mono();
  CASEBOX_CHECK(producer.append(data, batch));
  return ok();
}

std::map<std::string, std::string> members_of(const std::vector<v1::Finding>& findings) {
  std::map<std::string, std::string> out;
  for (const v1::Finding& one : findings)
    if (one.kind() == kCohortKind) out.insert(one.labels().begin(), one.labels().end());
  return out;
}

}  // namespace

Result<size_t> refused_members(StoreAccess& access, const std::vector<v1::Finding>& findings) {
  std::vector<CaseId> members;
  for (const auto& [text, how] : members_of(findings))
    if (const auto id = parse_id<CaseId>(text)) members.push_back(*id);
  CASEBOX_TRY(const auto why, access.refusals(members, keyring::Purpose::kReport));
  return static_cast<size_t>(
      std::ranges::count_if(why, [](const std::string& one) { return !one.empty(); }));
}

Result<StudyQuestion> canonical(StudyQuestion question) {
  CASEBOX_TRY(const auto expression, query::parse(question.cohort));
  // No condition at all, and the text of one, are different trees: every case has no spelling.
  if (question.cohort.find_first_not_of(" \t\r\n") == std::string::npos) {
    question.cohort.clear();
  } else {
    question.cohort = expression->text_form();
  }
  return question;
}

Result<Study> open_study(StoreAccess& access, CaseId id) {
  Study out;
  out.study_id = id;
  CASEBOX_TRY(auto reader, access.read_case(id, keyring::Purpose::kAnalysis));
  out.record = reader->record();
  if (storage::is_operation(out.record))
    return Error{Code::kInvalidArgument, to_string(id) + ": is an operation, not a study"};
  const auto events = reader->events(v1::STREAM_KIND_DETAILS);
  const bool sealed =
      !events && (events.error().code == Code::kDenied || events.error().code == Code::kNotFound);
  if (!events && !sealed) return events.error();
  if (sealed) return out;
  for (const storage::EventAt& at : *events)
    if (at.event.has_details() && at.event.details().has_study()) {
      const v1::StudyDetails& said = at.event.details().study();
      out.question = {said.job(), said.cohort(), said.options()};
    }
  return out;
}

Result<std::vector<Study>> studies(StoreAccess& access) {
  CASEBOX_TRY(auto records, access.store().cases());
  std::erase_if(records, [](const v1::CaseRecord& r) { return storage::is_operation(r); });
  std::ranges::sort(records, [](const v1::CaseRecord& a, const v1::CaseRecord& b) {
    return std::pair(a.start_utc_ns(), BytesView(a.case_id())) <
           std::pair(b.start_utc_ns(), BytesView(b.case_id()));
  });
  std::vector<Study> out;
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    CASEBOX_TRY(Study one, open_study(access, id));
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::optional<Study>> find_study(StoreAccess& access, const StudyQuestion& question) {
  CASEBOX_TRY(const StudyQuestion wanted, canonical(question));
  CASEBOX_TRY(auto all, studies(access));
  for (Study& one : all)
    if (one.question == wanted) return std::optional(std::move(one));
  return std::optional<Study>();
}

Result<std::vector<v1::Finding>> study_findings(StoreAccess& access, CaseId id,
                                                const StudyQuestion& asked,
                                                const StudyAnswer& answer) {
  CASEBOX_TRY(const StudyQuestion question, canonical(asked));
  CASEBOX_TRY(const auto program, this_program());
  CASEBOX_TRY(auto drafts, cohort_drafts(access, answer.cohort));
  v1::AnalysisRun run = answer.run;
  run.set_job(question.job);
  run.set_binary(program.binary);
  run.set_binary_sha256(program.binary_sha256);
  run.set_config_sha256(config_digest(question));
  run.set_inputs_sha256(inputs_digest(drafts));
  finding::Draft ran;
  ran.kind = finding::kRunKind;
  ran.place = "run";
  ran.values["findings"] = static_cast<double>(answer.drafts.size());
  for (const finding::Draft& part : drafts)
    for (const auto& [name, value] : part.values) ran.values[name] += value;
  ran.labels["outcome"] = "ran";
  ran.text = question.job + ": " + std::to_string(answer.drafts.size()) + " findings over " +
             cases_text(answer.cohort.size());
  drafts.insert(drafts.begin(), answer.drafts.begin(), answer.drafts.end());
  drafts.push_back(std::move(ran));
  std::vector<v1::Finding> out;
  std::set<Bytes> ids;
  for (const finding::Draft& draft : drafts) {
    if (draft.kind != kCohortKind && draft.sources.size() > kMaxOwnSources)
      return Error{Code::kInvalidArgument, "study " + question.job + ", " + draft.place + ": " +
                                               std::to_string(draft.sources.size()) +
                                               " sources of its own; leave them to the cohort"};
    out.push_back(finding::make(id, run, draft));
    if (!ids.insert(out.back().id()).second)
      return Error{Code::kInternal, "study " + question.job + ": two findings at the place '" +
                                        draft.place + "'; give each a place of its own"};
  }
  return out;
}

std::vector<v1::SourceRange> inputs_of(const v1::Finding& finding, const StoredFindings& stored) {
  std::vector<v1::SourceRange> out;
  if (finding.kind() == kCohortKind || finding.run().inputs_sha256().empty()) return out;
  for (const auto* list : {&stored.in_force, &stored.replaced})
    for (const v1::Finding& one : *list)
      if (one.kind() == kCohortKind && one.run().job() == finding.run().job() &&
          one.run().inputs_sha256() == finding.run().inputs_sha256())
        out.insert(out.end(), one.sources().begin(), one.sources().end());
  return out;
}

Result<WrittenStudy> write_study(StoreAccess& access, const StudyQuestion& asked,
                                 const StudyAnswer& answer) {
  if (access.keystore() == nullptr)
    return Error{Code::kNotFound, "study " + asked.job +
                                      ": no keystore, so nothing can be sealed; name it with "
                                      "--keys"};
  CASEBOX_TRY(const StudyQuestion question, canonical(asked));
  CASEBOX_TRY(const auto known, find_study(access, question));
  WrittenStudy out;
  out.created = !known;
  out.study_id = known ? known->study_id : random_id<CaseId>();
  CASEBOX_TRY(out.findings, study_findings(access, out.study_id, question, answer));
  if (known) {
    CASEBOX_TRY(auto reader, access.read_case(out.study_id, keyring::Purpose::kAnalysis));
    CASEBOX_TRY(const StoredFindings stored, read_findings(*reader));
    if (same_findings(stored.in_force, out.findings)) return out;
  }
  const v1::CaseRecord* record = known ? &known->record : nullptr;
  const UtcTime now = access.clock().utc();
  CASEBOX_TRY(auto log, access.open_log("analysis"));
  CASEBOX_TRY(auto producer, begin(access, *log, out.study_id, record, now));
  if (!known) CASEBOX_CHECK(write_question(*producer, access.clock(), question));
  CASEBOX_CHECK(append_findings(*producer, access.clock(), out.findings));
  CASEBOX_CHECK(producer->close(record ? time_of_run(*record, now) : CaseTime{}));
  CASEBOX_CHECK(log->sync());
  CASEBOX_TRY(const Drained drained, access.drain());
  if (drained.quarantined > 0)
    return Error{Code::kCorrupt, std::to_string(drained.quarantined) +
                                     " frames of the study could not be stored; run casebox "
                                     "verify"};
  out.written = true;
  return out;
}

std::vector<std::string> cohort_changes(const std::vector<v1::Finding>& before,
                                        const std::vector<v1::Finding>& now) {
  const auto old = members_of(before), fresh = members_of(now);
  size_t came = 0, left = 0, otherwise = 0;
  for (const auto& [id, how] : fresh) {
    const auto it = old.find(id);
    came += it == old.end() ? 1 : 0;
    otherwise += it != old.end() && it->second != how ? 1 : 0;
  }
  for (const auto& [id, how] : old) left += fresh.contains(id) ? 0 : 1;
  std::vector<std::string> out;
  if (came > 0) out.push_back("cohort: " + cases_text(came) + " came");
  if (left > 0) out.push_back("cohort: " + cases_text(left) + " left");
  if (otherwise > 0)
    out.push_back("cohort: " + cases_text(otherwise) + (otherwise == 1 ? " is" : " are") +
                  " used or left out otherwise");
  return out;
}

}  // namespace casebox::tools
