#include "archive/unpack.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "archive/failure.h"
#include "archive/input.h"
#include "archive/tar_reader.h"
#include "archive/tree.h"
#include "archive/walk.h"

namespace tsrun::archive {
namespace {

// No layer has as many, and what is kept of a hostile one is bounded.
constexpr size_t kMostLeftOut = 1024;

class Unpacking {
 public:
  Unpacking(const UnpackOrder& order, Tree& tree, TarReader& reader) : order_(order), tree_(tree), reader_(reader) {}

  uint64_t bytes() const { return bytes_; }
  uint64_t entries() const { return entries_; }
  uint64_t devices() const { return devices_; }
  uint64_t highest_id() const { return highest_id_; }

  void take_all() {
    while (reader_.next()) {
      if (++entries_ > order_.most_entries) refuse(reader_.name(), "the archive holds more entries than the limit allows");
      EntryPath path;
      if (const char* why = path.parse(reader_.name())) refuse(reader_.name(), why);
      switch (order_.layer ? meaning_of(path) : Meaning::kEntry) {
        case Meaning::kEntry:
          add(path);
          break;
        case Meaning::kWhiteout:
          tree_.add_whiteout(path);
          break;
        case Meaning::kOpaque:
          tree_.add_opaque(path);
          break;
        case Meaning::kAufs:
          break;
        case Meaning::kInvalid:
          refuse(reader_.name(), "it is no whiteout of anything");
      }
    }
  }

 private:
  void add(const EntryPath& path) {
    if (const char* link = reader_.hard_link()) {
      EntryPath target;
      if (const char* why = target.parse(link)) refuse(reader_.name(), (std::string("the target of its hard link: ") + why).c_str());
      if (path.is_root()) refuse(reader_.name(), "the root is no folder in it");
      if (left_out_.count(target.text()) != 0) {
        leave_out(path);
        return;
      }
      left_out_.erase(path.text());
      tree_.add_hard_link(path, target);
      return;
    }
    mode_t type = reader_.type();
    if (path.is_root() && type != S_IFDIR) refuse(reader_.name(), "the root is no folder in it");
    switch (type) {
      case S_IFDIR:
        tree_.add_folder(path, attributes());
        break;
      case S_IFREG:
        add_file(path);
        break;
      case S_IFLNK:
        add_symlink(path);
        break;
      case S_IFIFO:
        tree_.add_pipe(path, attributes());
        break;
      case S_IFCHR:
      case S_IFBLK:
        // A container has its own /dev, and a node of the host's in a layer would wait for somebody to mount it elsewhere.
        leave_out(path);
        return;
      default:
        refuse(reader_.name(), "it is of no known type");
    }
    left_out_.erase(path.text());
  }

  void leave_out(const EntryPath& path) {
    ++devices_;
    if (left_out_.size() < kMostLeftOut) left_out_.insert(path.text());
  }

  Attributes attributes() {
    Attributes attributes = reader_.attributes();
    highest_id_ = std::max({highest_id_, uint64_t{attributes.uid}, uint64_t{attributes.gid}});
    if (order_.gives_owner) {
      attributes.uid = order_.uid;
      attributes.gid = order_.gid;
    }
    if (order_.drops_privileges) {
      if (reader_.type() != S_IFDIR) attributes.mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
      auto& extended = attributes.extended;
      auto gives_rights = [](const auto& each) { return each.first == "security.capability"; };
      extended.erase(std::remove_if(extended.begin(), extended.end(), gives_rights), extended.end());
    }
    return attributes;
  }

  void add_symlink(const EntryPath& path) {
    const char* target = reader_.symlink();
    if (target == nullptr || *target == 0) refuse(reader_.name(), "it is a link to nothing");
    tree_.add_symlink(path, target, attributes());
  }

  void add_file(const EntryPath& path) {
    int64_t size = reader_.size();
    if (size < 0) refuse(reader_.name(), "its size is below zero");
    if (static_cast<uint64_t>(size) > order_.most_bytes - bytes_) refuse(reader_.name(), "the archive unpacks to more bytes than the limit allows");
    bytes_ += static_cast<uint64_t>(size);
    UniqueFd file = tree_.add_file(path);
    int64_t end = 0;
    Piece piece{};
    while (reader_.read(&piece)) {
      int64_t after = piece.offset + static_cast<int64_t>(piece.bytes.size());
      if (piece.offset < end || after > size) refuse(reader_.name(), "its parts do not fit its size");
      write_at(file.get(), piece);
      end = after;
    }
    if (end < size && ftruncate(file.get(), size) != 0) give_up(reader_.name(), "ftruncate");
    Attributes wanted = attributes();
    apply(file.get(), wanted, path.text());
    set_times(file.get(), wanted.mtime, path.text());
  }

  void write_at(int file, Piece piece) {
    while (!piece.bytes.empty()) {
      ssize_t written = pwrite(file, piece.bytes.data(), piece.bytes.size(), piece.offset);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) give_up(reader_.name(), "write");
      piece.bytes.remove_prefix(static_cast<size_t>(written));
      piece.offset += written;
    }
  }

  const UnpackOrder& order_;
  Tree& tree_;
  TarReader& reader_;
  uint64_t bytes_ = 0;
  uint64_t entries_ = 0;
  // Device nodes: a further name of one, which the archive has as a hard link, is left out with it.
  std::set<std::string> left_out_;
  uint64_t devices_ = 0;
  uint64_t highest_id_ = 0;
};

std::string number(const char* key, uint64_t value) { return std::string(",\"") + key + "\":" + std::to_string(value); }

}  // namespace

int unpack(const UnpackOrder& order) {
  umask(0);
  const char* opaque = order.user_attributes ? "user.overlay.opaque" : "trusted.overlay.opaque";
  const char* origin = order.user_attributes ? "user.overlay.origin" : "trusted.overlay.origin";
  LowerLayers lower(kFirstLayer, order.lower_layers, opaque);
  Tree tree(open_in_root(order.folder, true, O_RDONLY | O_DIRECTORY),
            TreeRules{order.layer, opaque, origin, order.knows_lower ? &lower : nullptr});
  Input input(InputSettings{order.layer, order.most_ratio});
  TarReader reader(input);
  Unpacking unpacking(order, tree, reader);
  tree.prepare_root();
  unpacking.take_all();
  // What follows the last entry belongs to the archive, and so to its digest.
  while (!input.next().empty()) {
  }
  tree.finish();
  say("{\"blobBytes\":" + std::to_string(input.read_bytes()) + number("unpackedBytes", unpacking.bytes()) +
      number("entries", unpacking.entries()) + number("droppedDevices", unpacking.devices()) + number("highestId", unpacking.highest_id()) +
      ",\"dependsOnLower\":" + (tree.depends_on_lower() ? "true" : "false") +
      (order.layer ? ",\"diffId\":" + quote(input.plain_digest()) + ",\"blobDigest\":" + quote(input.read_digest()) : "") + "}");
  return 0;
}

}  // namespace tsrun::archive
