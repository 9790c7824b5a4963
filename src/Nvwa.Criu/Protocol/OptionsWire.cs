namespace Nvwa.Criu.Protocol;

/// <summary>
/// Requests as options on the wire. What was not asked for is not sent, so that CRIU's defaults hold.
/// </summary>
internal static class OptionsWire
{
    private const int NoDescriptor = -1;

    public static Options Of(CheckRequest request, DescriptorLeases leases) => Common(request, leases);

    public static Options Of(DumpRequest request, DescriptorLeases leases, bool notify)
    {
        Options options = Checkpoint(request, leases, notify);
        options.Pid = request.Pid;
        Set(request.LeaveRunning, () => options.LeaveRunning = true);
        Set(request.LeaveStopped, () => options.LeaveStopped = true);
        Set(request.TcpSkipInFlight, () => options.TcpSkipInFlight = true);
        Set(request.LinkRemap, () => options.LinkRemap = true);
        Set(request.ForceIrmap, () => options.ForceIrmap = true);
        Set(request.TrackMemory, () => options.TrackMem = true);
        Set(request.AutoDedup, () => options.AutoDedup = true);
        Set(request.PreDumpByRead, () => options.PreDumpMode = PreDumpMode.PreDumpVmRead);
        SetText(request.FreezeCgroup, value => options.FreezeCgroup = value);
        SetText(request.ParentImage, value => options.ParentImg = value);
        if (request.GhostLimit is uint limit)
        {
            options.GhostLimit = limit;
        }

        if (request.FreezeTimeout is TimeSpan timeout)
        {
            options.Timeout = (uint)Math.Ceiling(timeout.TotalSeconds);
        }

        return options;
    }

    public static Options Of(RestoreRequest request, DescriptorLeases leases, bool notify)
    {
        Options options = Checkpoint(request, leases, notify);
        Set(request.RestoreAsSibling, () => options.RstSibling = true);
        Set(request.LeaveStopped, () => options.LeaveStopped = true);
        Set(request.SkipFilePermissionCheck, () => options.SkipFileRwxCheck = true);
        Set(request.MountNamespaceCompatibility, () => options.MntnsCompatMode = true);
        SetText(request.Root, value => options.Root = value);
        SetText(request.CgroupRoot, value => options.CgroupRoot.Add(new CgroupRoot { Path = value }));
        SetText(request.SecurityProfile, value => options.LsmProfile = value);
        SetText(request.SecurityMountContext, value => options.LsmMountContext = value);
        foreach (InheritedResource inherited in request.InheritedResources)
        {
            options.InheritFd.Add(new InheritFd { Key = inherited.Key, Fd = inherited.Descriptor });
        }

        return options;
    }

    private static Options Checkpoint(CheckpointRequest request, DescriptorLeases leases, bool notify)
    {
        Options options = Common(request, leases);
        Set(notify, () => options.NotifyScripts = true);
        Set(request.TcpEstablished, () => options.TcpEstablished = true);
        Set(request.TcpClose, () => options.TcpClose = true);
        Set(request.ExtUnixSockets, () => options.ExtUnixSk = true);
        Set(request.ShellJob, () => options.ShellJob = true);
        Set(request.FileLocks, () => options.FileLocks = true);
        Set(request.EvasiveDevices, () => options.EvasiveDevices = true);
        Set(request.LazyPages, () => options.LazyPages = true);
        options.External.AddRange(request.External.Select(resource => resource.Key));
        if (request.CpuCapabilities is uint mask)
        {
            options.CpuCap = mask;
        }

        SetCgroups(options, request.ManageCgroups);
        SetLock(options, request.NetworkLock);
        return options;
    }

    private static Options Common(CriuRequest request, DescriptorLeases leases)
    {
        // The field is required even where there is nothing to say.
        Options options = new()
        {
            ImagesDirFd = request.ImagesDirectory is null ? NoDescriptor : leases.Number(request.ImagesDirectory),
            LogLevel = (int)request.LogLevel,
            LogFile = request.LogFile,
        };
        if (request.WorkDirectory is not null)
        {
            options.WorkDirFd = leases.Number(request.WorkDirectory);
        }

        SetText(request.ImagesPath, value => options.ImagesDir = value);
        SetText(request.ConfigFile, value => options.ConfigFile = value);
        return options;
    }

    private static void SetCgroups(Options options, CgroupMode mode)
    {
        CgroupManagement? wire = mode switch
        {
            CgroupMode.Ignore => CgroupManagement.CgroupIgnore,
            CgroupMode.None => CgroupManagement.CgroupNone,
            CgroupMode.Properties => CgroupManagement.CgroupProperties,
            CgroupMode.Soft => CgroupManagement.CgroupSoft,
            CgroupMode.Full => CgroupManagement.CgroupFull,
            CgroupMode.Strict => CgroupManagement.CgroupStrict,
            CgroupMode.Unset or _ => null,
        };
        if (wire is CgroupManagement set)
        {
            options.ManageCgroupsMode = set;
        }
    }

    private static void SetLock(Options options, NetworkLock networkLock)
    {
        NetworkLockMethod? wire = networkLock switch
        {
            NetworkLock.Iptables => NetworkLockMethod.LockIptables,
            NetworkLock.Nftables => NetworkLockMethod.LockNftables,
            NetworkLock.Skip => NetworkLockMethod.LockSkip,
            NetworkLock.Unset or _ => null,
        };
        if (wire is NetworkLockMethod set)
        {
            options.NetworkLock = set;
        }
    }

    private static void Set(bool wanted, Action set)
    {
        if (wanted)
        {
            set();
        }
    }

    private static void SetText(string? value, Action<string> set)
    {
        if (value is not null)
        {
            set(value);
        }
    }
}
