// Standard streams, and the terminal of the container.
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "launcher/channel.h"
#include "steps/child_steps.h"
#include "steps/root_path.h"
#include "sys/file_system.h"

namespace tsrun {
namespace {

inline constexpr long kDevptsMagic = 0x1cd1;

Status put_at(int fd, int place) { return sys::call<SYS_dup3>(fd, place, 0).status(); }

// The multiplexer must be that of a devpts: a folder of the image at /dev/pts could hold anything (CVE-2025-52565).
Status open_multiplexer(int root, UniqueFd* master) {
  TSRUN_TRY(open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, Links::kRefuse, master));
  struct stat info;
  struct statfs system;
  TSRUN_TRY(sys::call<SYS_newfstatat>(master->get(), "", &info, AT_EMPTY_PATH).status());
  TSRUN_TRY(sys::call<SYS_fstatfs>(master->get(), &system).status());
  bool genuine = S_ISCHR(info.st_mode) && info.st_rdev == makedev(5, 2) && system.f_type == kDevptsMagic;
  return genuine ? kOk : Status{SYS_openat2, ENXIO};
}

Status attach_console(int root, int peer) {
  static constexpr char kConsole[] = "/dev/console";
  UniqueFd target;
  UniqueFd mount;
  TSRUN_TRY(open_target(root, Text{kConsole, sizeof kConsole - 1}, TargetKind::kFile, Links::kRefuse, &target));
  TSRUN_TRY(clone_tree(peer, "", AT_EMPTY_PATH, &mount));
  return attach_at(mount.get(), target.get());
}

}  // namespace

Status run(ChildContext& context, const StepOpenTerminal& step) {
  UniqueFd master;
  UniqueFd peer;
  TSRUN_TRY(open_multiplexer(context.root.get(), &master));
  int locked = 0;
  TSRUN_TRY(sys::call<SYS_ioctl>(master.get(), TIOCSPTLCK, &locked).status());
  winsize size{};
  size.ws_row = static_cast<unsigned short>(step.rows);
  size.ws_col = static_cast<unsigned short>(step.columns);
  TSRUN_TRY(sys::call<SYS_ioctl>(master.get(), TIOCSWINSZ, &size).status());
  // The peer by descriptor, never by the name /dev/pts/N (ioctl_tty(2), Linux 4.13).
  TSRUN_TRY(take(sys::call<SYS_ioctl>(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), &peer));
  TSRUN_TRY(sys::call<SYS_fchown>(peer.get(), step.uid, static_cast<unsigned>(-1)).status());
  if (step.console) TSRUN_TRY(attach_console(context.root.get(), peer.get()));
  // It is its session's that is inside.
  context.entry.terminal = context.entry.last;
  if (!context.entry.last) TSRUN_TRY(sys::call<SYS_ioctl>(peer.get(), TIOCSCTTY, 0).status());
  for (int place = 0; place < 3; ++place) TSRUN_TRY(put_at(peer.get(), place));
  return send_word_with(context.channel, ChannelMessage{ChannelWord::kTerminal, context.step, kOk}, master.get());
}

// A stream that the plan does not give stays what the launcher has there: a null device of its own (launcher/main.cc).
Status run(ChildContext& context, const StepSetStdio& step) {
  const uint32_t streams[] = {step.stdin, step.stdout, step.stderr};
  for (int place = 0; place < 3; ++place) {
    if (streams[place] != kNoSlot) TSRUN_TRY(put_at(context.slots.get(streams[place]), place));
  }
  return kOk;
}

}  // namespace tsrun
