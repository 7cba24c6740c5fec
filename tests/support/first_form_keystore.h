#pragma once

// A keystore of the first form, byte for byte as the program wrote it before trust lists and
// counted audit trails: one case key taken, the recorder's signing key, three audited openings.
// Thread safety: none.

#include <filesystem>
#include <fstream>

#include "proto/base/bytes.h"

namespace casebox::testing {

constexpr const char* kFirstFormCaseKey =
    "ba2b2070f61d5fc41c940692abd19983764ed69f236c0c307225f2e5dc2a057e";
constexpr const char* kFirstFormRecorder =
    "18ddc7724123502410c3c4a1c64f2fc31aaaee7f2460fd04cdd8f6658745c99f";

inline void make_first_form_keystore(const std::filesystem::path& dir) {
  const std::string key = std::string("cases/") + kFirstFormCaseKey + ".key";
  const std::pair<std::string, const char*> files[] = {
      {"site.key", "8a4bd2f79761f5a780471db4f82ca7557bb8c4d75795c660d096dcd5116dd887"},
      {"last.pub",
       "6261326232303730663631643566633431633934303639326162643139393833373634656436396632333663306"
       "3"
       "333037323235663265356463326130353765"
       "0a"},
      {key, "48681ad3666fac5e80293f0cef58201f3e2d3b4ba3e7eec25de3232576cadbad69c0e2e3ac2445d9"},
      {"signing/recorder.seed",
       "677d2b95850529c94e757bb5ea89ec2ddaba5cac5a435eb2e6cd5ce98f81363b17e7ff3151c58def"},
      {"audit.log",
       "57000000090000b0d4acc66c181210616161616161616161616161616161611a08616e616c79736973220c63617"
       "3"
       "65626f78207465737428013a2000000000000000000000000000000000000000000000000000000000000000005"
       "3"
       "0000000900ca4a10adc66c181210626262626262626262626262626262621a0476696577220c63617365626f782"
       "0"
       "7465737428013a2020816d5c35fb56524e1831fca2e096d785ac90bc5b3c0772ac2f2960b63b26ff61000000090"
       "0"
       "94e54badc66c181210636363636363636363636363636363631a0476696577220c63617365626f7820746573743"
       "2"
       "0e6e6f2d707269766174652d6b65793a20b30df8b2c58ce482c67618dabae9ce8651ee9a9e25dee2297a3ed1c99"
       "b"
       "4acfa3"}};
  for (const auto& [name, hex] : files) {
    const std::filesystem::path path = dir / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << *from_hex(hex);
    std::filesystem::permissions(path, std::filesystem::perms(0600));
  }
  std::filesystem::create_directories(dir / "stock");
  for (const char* sub : {"", "cases", "signing", "stock"})
    std::filesystem::permissions(dir / sub, std::filesystem::perms::owner_all);
}

}  // namespace casebox::testing
