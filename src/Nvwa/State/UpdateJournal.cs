using Nvwa.Core.Journal;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>
/// The journal on disk: <c>journal</c> is there while an update is open, <c>history/</c> holds those that ended. The
/// directory is always on a disk, never where images may be in memory. Several processes append at boot: the daemon and
/// each workload's restore; every append is one locked, flushed write.
/// </summary>
internal sealed class UpdateJournal(string directory)
{
    public const string Directory = "/var/lib/nvwa";

    private const int MaxLength = 64 << 20;
    private const int KeptUpdates = 20;

    private readonly string _path = Path.Combine(directory, "journal");
    private readonly string _history = Path.Combine(directory, "history");

    /// <summary>The open update, or else the last one. Read afresh each time: other processes append too.</summary>
    /// <returns>Null where there never was an update.</returns>
    /// <exception cref="InvalidDataException">The file is no journal that this version can read.</exception>
    public UpdateState? Read() => ReadFile(_path) ?? Ended().Select(ReadFile).FirstOrDefault();

    /// <summary>The update with this id; null where there is none.</summary>
    public UpdateState? Read(string id) =>
        // An id is ours only if it looks like one: it must not become a path.
        !UpdateId.IsValid(id) ? null : ReadFile(_path) is { } open && open.Id == id ? open : ReadFile(Path.Combine(_history, id));

    /// <summary>Begins a journal.</summary>
    public void Begin(Opened opened)
    {
        PrivateDirectory.Create(directory);
        PrivateDirectory.Create(_history);
        Archive();
        AtomicFile.Write(_path, [.. JournalCodec.Header, .. JournalCodec.Encode(opened)], PrivateFile);
    }

    /// <summary>On disk when it returns, and behind whole records only: what stands behind a torn one is never read.</summary>
    /// <exception cref="InvalidDataException">No update is open.</exception>
    public void Append(JournalRecord record)
    {
        if (!File.Exists(_path))
        {
            throw new InvalidDataException($"{_path}: no update is open");
        }

        using var log = AppendLog.Open(_path);
        Heal(log);
        log.Append(JournalCodec.Encode(record));
    }

    /// <summary>Cuts off a record that a crash left torn, before anything is appended behind it.</summary>
    public void Heal()
    {
        if (!File.Exists(_path))
        {
            return;
        }

        using var log = AppendLog.Open(_path);
        Heal(log);
    }

    private static void Heal(AppendLog log)
    {
        byte[] bytes = log.ReadAll(MaxLength);
        int valid = JournalCodec.Decode(bytes).ValidLength;
        if (valid < bytes.Length)
        {
            log.Truncate(valid);
        }
    }

    /// <summary>An update that has ended goes to the history.</summary>
    /// <returns>Whether there was one.</returns>
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

    /// <summary>The newest first.</summary>
    private IEnumerable<string> Ended() =>
        System.IO.Directory.Exists(_history) ? System.IO.Directory.GetFiles(_history).OrderDescending(StringComparer.Ordinal) : [];

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
