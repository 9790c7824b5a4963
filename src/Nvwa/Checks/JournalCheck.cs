using Nvwa.Core.Checks;
using Nvwa.Linux;
using Nvwa.State;

namespace Nvwa.Checks;

/// <summary>The journal decides after a crash, and the generator reads it before other file systems are mounted.</summary>
internal sealed class JournalCheck : IHostCheck
{
    public string Name => "journal";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        Mount mount = FileSystems.MountOf(FileSystems.Existing(UpdateJournal.Directory));
        yield return mount.Point != "/" || FileSystems.IsMemoryBacked(mount.Type)
            ? CheckResult.Refuse(
                Name, UpdateJournal.Directory, $"lies on {mount.Point} ({mount.Type}); early boot must be able to read it",
                "this version needs it on the root file system, on a disk")
            : FileIdentity.Of(UpdateJournal.Directory) is { } directory && (directory.Uid != 0 || directory.IsWritableByOthers)
                ? CheckResult.Refuse(Name, UpdateJournal.Directory, "is not root's alone: others could change what a boot restores", $"chown root:root {UpdateJournal.Directory}; chmod 0700 {UpdateJournal.Directory}")
                : CheckResult.Pass(Name, UpdateJournal.Directory, $"lies on the root file system ({mount.Type})");
    }
}
