// Targets of HTTP requests, a line each, over a small store: every one gets an answer, no answer is
// the fault of the server, and JSON is UTF-8. CASE and FINDING stand for an id of the store.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "proto/text/text.h"
#include "tests/support/review_store.h"
#include "tools/cli/json.h"
#include "tools/findings/findings.h"
#include "tools/web/api.h"

namespace {

using namespace casebox;

/// A store with one case of ten seconds, and the API over it.
struct Site {
  Site() {
    testing::ReviewCase small;
    small.seconds = 10;
    small.preparation_s = 4;
    id = to_string(store.add(small));
    tools::StoreOptions options;
    options.store = store.dir();
    auto opened = tools::StoreAccess::open(options);
    if (!opened) std::abort();
    access = std::move(*opened);
    auto reader = access->open_case(id, keyring::Purpose::kView);
    if (!reader) std::abort();
    auto findings = tools::read_findings(**reader);
    if (findings && !findings->in_force.empty()) finding = to_hex(findings->in_force[0].id());
    sessions = std::make_unique<tools::web::CaseSessions>(
        access->store(), access->keyring(), access->clock(), tools::web::CaseSessions::Options{});
    tools::web::register_api(router, access->store(), *sessions);
  }

  testing::ReviewStore store;
  std::unique_ptr<tools::StoreAccess> access;
  std::unique_ptr<tools::web::CaseSessions> sessions;
  tools::web::Router router;
  std::string id, finding;
};

std::string with_ids(std::string target, const Site& site) {
  for (const auto& [name, value] : {std::pair("CASE", site.id), std::pair("FINDING", site.finding)})
    if (const size_t at = target.find(name); at != std::string::npos)
      target.replace(at, std::string_view(name).size(), value);
  return target;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Site site;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (int i = 0; i < 16 && !rest.empty(); ++i) {
    const size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const auto request =
        tools::web::parse_target("GET", with_ids(std::string(rest.substr(0, end)), site));
    rest.remove_prefix(end + 1);
    const auto answer =
        request ? site.router.handle(*request) : tools::web::error_response(request.error());
    if (answer.status >= 500) __builtin_trap();
    if (answer.content_type == "application/json" &&
        (!text::is_utf8(answer.body) || !tools::Json::accept(answer.body)))
      __builtin_trap();
  }
  return 0;
}
