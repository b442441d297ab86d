// What libarchive believes of the character set of names.
#ifndef TSRUN_ARCHIVE_LOCALE_H_
#define TSRUN_ARCHIVE_LOCALE_H_

namespace tsrun::archive {

// For writing: names that are UTF-8 get into pax headers as they are, without a word that they might be anything. For reading it
// would have them normalized (NFC), which makes other names of them.
void take_names_for_utf8();

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_LOCALE_H_
