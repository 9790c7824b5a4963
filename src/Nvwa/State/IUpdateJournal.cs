using Nvwa.Core.Journal;

namespace Nvwa.State;

/// <summary>The journal of the open update, and those of the ones that ended.</summary>
internal interface IUpdateJournal
{
    /// <summary>The open update, or else the last one. Read afresh each time: other processes append too.</summary>
    /// <returns>Null where there never was an update.</returns>
    /// <exception cref="InvalidDataException">The file is no journal that this version can read.</exception>
    UpdateState? Read();

    /// <summary>The update with this id; null where there is none.</summary>
    UpdateState? Read(string id);

    /// <summary>Whether the last update's journal is not yet in the history.</summary>
    bool IsInPlace { get; }

    /// <summary>Begins a journal.</summary>
    void Begin(Opened opened);

    /// <summary>On disk when it returns, and behind whole records only: what stands behind a torn one is never read.</summary>
    /// <exception cref="InvalidDataException">No update is open.</exception>
    void Append(JournalRecord record);

    /// <summary>An update that has ended goes to the history.</summary>
    /// <returns>Whether there was one.</returns>
    bool Archive();

    /// <summary>A journal that cannot be read goes out of the way.</summary>
    /// <returns>Where it is now; null if there was none.</returns>
    string? SetAside();
}
