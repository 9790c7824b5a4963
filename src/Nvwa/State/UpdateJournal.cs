using Nvwa.Core.Journal;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>
/// The journal on disk: <c>journal</c> is there while an update is open, <c>history/</c> holds those that ended. The
/// directory is always on a disk, never where images may be in memory. Several processes append at boot: the daemon and
/// each workload's restore; every append is one locked, flushed write.
/// </summary>
internal sealed class UpdateJournal(string directory) : IUpdateJournal
{
    public const string Directory = "/var/lib/nvwa";

    private const int MaxLength = 64 << 20;
    private const int KeptUpdates = 20;

    private readonly string _path = Path.Combine(directory, "journal");
    private readonly string _history = Path.Combine(directory, "history");

    public bool IsInPlace => File.Exists(_path);

    public UpdateState? Read() => ReadFile(_path) ?? Ended().Select(ReadFile).FirstOrDefault();

    public UpdateState? Read(string id) =>
        // An id is ours only if it looks like one: it must not become a path.
        !UpdateId.IsValid(id) ? null : ReadFile(_path) is { } open && open.Id == id ? open : ReadFile(Path.Combine(_history, id));

    public void Begin(Opened opened, params IReadOnlyList<JournalRecord> further)
    {
        PrivateDirectory.Create(directory);
        PrivateDirectory.Create(_history);
        Archive();
        AtomicFile.Write(_path, [.. JournalCodec.Header, .. JournalCodec.Encode(opened), .. further.SelectMany(JournalCodec.Encode)], PrivateFile);
    }

    public void Append(JournalRecord record, Func<UpdateState, string?>? obstacle = null)
    {
        try
        {
            using var log = AppendLog.OpenExisting(_path);
            log.AppendBehindWhole(JournalCodec.Encode(record), bytes => WholeLength(bytes, obstacle), MaxLength);
        }
        catch (LinuxException none) when (none.Errno == Errno.ENOENT)
        {
            throw new InvalidDataException($"{_path}: no update is open", none);
        }
    }

    private static int WholeLength(byte[] bytes, Func<UpdateState, string?>? obstacle) =>
        obstacle is not null && UpdateState.Of(JournalCodec.Decode(bytes).Records) is { } state && obstacle(state) is { } why
            ? throw new InvalidDataException(why)
            : JournalCodec.WholeLength(bytes);

    public bool Archive()
    {
        UpdateState? before = ReadFile(_path);
        if (before is not null)
        {
            File.Move(_path, Path.Combine(_history, before.Id), overwrite: true);
            foreach (string old in Ended().Skip(KeptUpdates).ToList())
            {
                File.Delete(old);
            }
        }

        return before is not null;
    }

    public string? SetAside()
    {
        if (!File.Exists(_path))
        {
            return null;
        }

        string aside = Path.Combine(_history, $"unreadable-{UpdateId.Of(File.GetLastWriteTimeUtc(_path))}");
        File.Move(_path, aside, overwrite: true);
        return aside;
    }

    /// <summary>The newest first.</summary>
    private IEnumerable<string> Ended() =>
        System.IO.Directory.Exists(_history) ? System.IO.Directory.GetFiles(_history).Where(file => UpdateId.IsValid(Path.GetFileName(file))).OrderDescending(StringComparer.Ordinal) : [];

    private static UpdateState? ReadFile(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        // Only for reading: the generator runs while the root file system may still be read-only. A record that is just being
        // appended reads as a torn tail.
        return UpdateState.Of(JournalCodec.Decode(AppendLog.Peek(path, MaxLength)).Records);
    }

    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
}
