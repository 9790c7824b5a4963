using Nvwa.Core.Configuration;
using Nvwa.Core.Journal;
using Nvwa.Linux;
using Nvwa.Restore;
using Nvwa.State;

namespace Nvwa.Daemon;

/// <summary><c>nvwa init</c>: removes what updates left, and names it. Run twice, it finds nothing.</summary>
internal sealed class Clearing(ConfigurationFiles files, IUpdateJournal journal, SystemdBus systemd)
{
    private readonly List<string> _removed = [];

    public IReadOnlyList<string> Run(UpdateState? state)
    {
        if (Kexec.IsLoaded)
        {
            Kexec.Unload();
            _removed.Add("the loaded kernel");
        }

        if (state is { IsOpen: true, PanicTimeout: { } seconds })
        {
            Sysctl.Write("kernel.panic", seconds);
        }

        if (state?.IsOpen == true)
        {
            journal.Append(new Closed(Outcome.Discarded, null, Moment.Now()));
        }

        Images(state);
        if (systemd.GetString(LockHolder.Unit, SystemdInterface.Unit, "ActiveState") is "active" or "activating")
        {
            systemd.Stop(LockHolder.Unit);
            _removed.Add("the packet lock");
        }

        systemd.Stop(NetworkRestore.Unit);
        new Networkd("/").ForgetForeign();
        if (new NetworkFile(UpdateJournal.Directory).Remove())
        {
            _removed.Add("the saved network configuration");
        }

        // The journal is closed, so the generator's drop-ins go. It leaves its place last: a daemon that ends before that finds
        // what is left to do.
        systemd.Reload();
        if (journal.Archive())
        {
            _removed.Add($"the journal of update {state?.Id} (kept in {UpdateJournal.Directory}/history)");
        }

        return _removed;
    }

    /// <summary>Also where the configuration points now, which may not be where the last update wrote.</summary>
    private void Images(UpdateState? state)
    {
        var places = new HashSet<string>(StringComparer.Ordinal);
        if (state is not null)
        {
            places.Add(Path.GetDirectoryName(state.Opening.ImagesDirectory)!);
        }

        try
        {
            places.Add(files.Read().Server.CriuDir.TrimEnd('/'));
        }
        catch (ConfigurationException) when (state is not null)
        {
            // What the journal names is enough.
        }

        _removed.AddRange(places.SelectMany(ImageStore.Clear));
    }
}
