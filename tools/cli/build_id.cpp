#include "tools/cli/build_id.h"

#include <link.h>

#include <cstring>

namespace casebox::tools {
namespace {

constexpr size_t kAlign = 4;  // of names and descriptors in notes

size_t aligned(size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

/// Of the first object, which is the program itself.
int look(dl_phdr_info* object, size_t, void* out) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_NOTE) continue;
    // The loader gives addresses as numbers.
    BytesView notes(reinterpret_cast<const char*>(object->dlpi_addr + part.p_vaddr), part.p_memsz);
    ElfW(Nhdr) note;
    while (notes.size() >= sizeof note) {
      std::memcpy(&note, notes.data(), sizeof note);
      const size_t at = sizeof note + aligned(note.n_namesz);
      if (notes.size() < at + note.n_descsz) break;
      if (note.n_type == NT_GNU_BUILD_ID)
        *static_cast<Bytes*>(out) = Bytes(notes.substr(at, note.n_descsz));
      notes.remove_prefix(std::min(notes.size(), at + aligned(note.n_descsz)));
    }
  }
  return 1;  // the other objects are libraries
}

}  // namespace

Bytes build_id() {
  Bytes out;
  dl_iterate_phdr(look, &out);
  return out;
}

}  // namespace casebox::tools
