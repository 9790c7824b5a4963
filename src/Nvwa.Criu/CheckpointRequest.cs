namespace Nvwa.Criu;

/// <summary>What a dump and the restore of its images have in common; both must be told the same.</summary>
public abstract record CheckpointRequest : CriuRequest
{
    private protected CheckpointRequest()
    {
    }

    /// <summary>Gets whether established TCP connections are kept.</summary>
    public bool TcpEstablished { get; init; }

    /// <summary>Gets whether TCP connections are closed instead.</summary>
    public bool TcpClose { get; init; }

    /// <summary>Gets whether unix sockets with their other end outside are accepted.</summary>
    public bool ExtUnixSockets { get; init; }

    /// <summary>Gets whether the session or terminal may be outside of the tree.</summary>
    public bool ShellJob { get; init; }

    /// <summary>Gets whether file locks are kept. The files must not be in use by others.</summary>
    public bool FileLocks { get; init; }

    /// <summary>Gets whether device files are found by path even if their numbers changed.</summary>
    public bool EvasiveDevices { get; init; }

    /// <summary>Gets what belongs to the outside.</summary>
    public IReadOnlyList<ExternalResource> External { get; init; } = [];

    public CgroupMode ManageCgroups { get; init; }

    public NetworkLock NetworkLock { get; init; }

    /// <summary>Gets whether memory stays behind and is asked for when it is needed.</summary>
    public bool LazyPages { get; init; }

    /// <summary>Gets CRIU's bit mask of processor features to check, null for its default.</summary>
    public uint? CpuCapabilities { get; init; }

    internal override void Validate()
    {
        base.Validate();
        if (TcpEstablished && TcpClose)
        {
            throw new ArgumentException("connections are either kept or closed");
        }

        if (External.Any(resource => string.IsNullOrEmpty(resource.Key)))
        {
            throw new ArgumentException("an external resource has no name");
        }

        if (!Enum.IsDefined(ManageCgroups) || !Enum.IsDefined(NetworkLock))
        {
            throw new ArgumentException("no such cgroup mode or network lock");
        }
    }
}
