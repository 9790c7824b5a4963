using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Nvwa.Core.Journal;
using Nvwa.Core.Kernel;
using Nvwa.Core.Planning;
using Nvwa.Criu;
using Nvwa.Linux;
using Nvwa.Machines;
using Nvwa.State;

namespace Nvwa.Hosts;

/// <summary>On the new kernel: what brings a workload back.</summary>
internal sealed partial class LinuxHost
{
    // Of CRIU.
    private const int RpcDescriptor = 3;
    private const int ProgramDescriptor = 4;
    private const int OpenedDescriptor = 5;

    /// <summary>SIGHUP, signal(7).</summary>
    private const int HangUp = 1;

    private static readonly TimeSpan AddressDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan DeviceDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan InterfacePause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RestoreDeadline = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan NotifyDeadline = TimeSpan.FromSeconds(30);

    /// <summary>A CRIU that was refused is gone at once; one that hangs must not hold up the cold start.</summary>
    private static readonly TimeSpan CriuEndDeadline = TimeSpan.FromSeconds(10);

    /// <summary>
    /// What CRIU says of causes that pass: a PID that something short-lived has, an address that is still tentative, a port
    /// that is just being given up.
    /// </summary>
    private static readonly string[] Passing = ["File exists", "Cannot assign requested address", "Address already in use"];

    /// <summary>What the service said of itself, from its restore to its announcement.</summary>
    private string _status = "";

    public async Task AwaitAddressesAsync(IReadOnlyList<KeptEndpoint> endpoints, TimeSpan patience, CancellationToken cancellation)
    {
        IPAddress[] bound = [.. Bound(endpoints)];
        if (!await LocalAddresses.WaitAsync(bound, patience, cancellation))
        {
            string missing = string.Join(", ", LocalAddresses.Missing(bound));
            throw new TimeoutException($"its address {missing} did not come up within {patience.TotalSeconds} s");
        }
    }

    public async Task<IReadOnlyList<string>> BringUpAsync(IReadOnlyList<KeptAddress> addresses, IReadOnlyList<KeptEndpoint> endpoints, CancellationToken cancellation)
    {
        HashSet<string> missing = [.. LocalAddresses.Missing([.. Bound(endpoints)]).Select(address => $"{address}")];
        string?[] failures = await Task.WhenAll(addresses.Where(address => missing.Contains(address.Address)).Select(address => BringUpAsync(address, cancellation)));
        return [.. failures.OfType<string>()];
    }

    private async Task<string?> BringUpAsync(KeptAddress address, CancellationToken cancellation)
    {
        long? seconds = (address.Until - Now().Realtime) / NanosecondsPerSecond;
        if (seconds <= 0)
        {
            return $"{address.Address} was {address.Link}'s for a time that is over";
        }

        try
        {
            await LocalAddresses.AddAsync(new LinkAddress(IPAddress.Parse(address.Address), address.PrefixLength, address.Link, (uint?)seconds), cancellation);
            return null;
        }
        catch (LinuxException failed)
        {
            return failed.Message;
        }
    }

    /// <summary>Addresses of this host that sockets have: neither any nor a group.</summary>
    private static IEnumerable<IPAddress> Bound(IReadOnlyList<KeptEndpoint> endpoints) => endpoints
        .Select(endpoint => endpoint.LocalEndPoint().Address)
        .Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
        .Where(address => !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) && !IsGroup(address))
        .Distinct();

    public Task VerifyImagesAsync(ImageStore images, WorkloadState workload, CancellationToken cancellation) => Task.Run(
        () =>
        {
            using SafeFileHandle root = PrivateDirectory.Open(images.Root);
            using SafeFileHandle directory = PrivateDirectory.Open(images.Of(workload.Workload));
            string digest = workload.Digest
                ?? throw new InvalidDataException($"{images.Of(workload.Workload)} was saved without digests, by an earlier nvwa: nothing says that it is whole");
            ImageDigests.Verify(images.Of(workload.Workload), digest, cancellation);
        },
        cancellation);

    public async Task<RestoredProcess> RestoreAsync(UpdateState state, Workload workload, Action boundary, CancellationToken cancellation)
    {
        var images = ImageStore.Of(state);
        if (workload.Machine is not null)
        {
            return await RestoreMachineAsync(state, workload, images.Of(workload), boundary, cancellation);
        }

        int? holder = HolderOf(workload);
        await MemoryFiles.RestoreAsync(images.Of(workload), holder);
        OutsideFile[] outside = [.. OutsideFile.Read(images.Of(workload))];
        IReadOnlyList<OpenSocket> sockets = OpenSocket.Read(images.Of(workload));
        IReadOnlyList<FrozenThreads> threads = FrozenThreads.Read(images.Of(workload));
        await AwaitInterfacesAsync(workload, sockets, cancellation);
        FrozenUnit frozen = workload.Kind == WorkloadKind.Service ? FrozenUnit.Read(images.Of(workload)) : FrozenUnit.Nothing;
        _status = frozen.Status;
        IReadOnlyList<FrozenGroup> groups = frozen.Groups;
        var controlGroups = new ControlGroups(groups.Count == 0 ? "" : DirectoryOf(workload));
        await controlGroups.MakeAsync(groups, workload.MainPid, [Environment.ProcessId, .. holder is { } one ? new[] { one } : []]);
        IReadOnlyList<ActivatedSocket> activated = ActivatedSocket.Read(images.Of(workload));
        SafeFileHandle[] opened = [.. ActivatedSocket.Open(activated, Sandbox.Init), .. outside.Select(file => Reopen.As(file.Path, file.Flags, file.Position))];
        InheritedResource[] handed =
        [
            .. activated.Select(socket => (uint)socket.Inode).Select((inode, i) => InheritedResource.Socket(inode, OpenedDescriptor + i)),
            .. outside.Select((file, i) => InheritedResource.For(NameOf(file), OpenedDescriptor + activated.Count + i)),
        ];
        var pair = SeqPacketPair.Create();
        using ChildProcess criu = StartCriu(workload, holder, state.Opening.CriuExe, pair.Theirs, opened);
        pair.Theirs.Dispose();
        Array.ForEach(opened, file => file.Dispose());
        try
        {
            if (workload.Kind == WorkloadKind.Process)
            {
                // Born in the scope, not in the unit that restores it.
                await Systemd.StartTransientScopeAsync(Scopes.Of(workload, [criu.Pid]), UnitDeadline, cancellation);
            }

            await using var client = new CriuClient(pair.Ours);
            using SafeFileHandle directory = PrivateDirectory.Open(images.Of(workload));
            return new RestoredProcess(await client.RestoreAsync(RequestOf(workload, directory, outside, handed), OnScript, cancellation));
        }
        catch (Exception failed) when (failed is CriuException or CriuTransportException or CriuScriptException)
        {
            string[] errors = [.. LogExcerpt.Errors(images.Log(workload, ImageStore.RestoreLog), 5)];
            bool canPass = errors.Any(error => Passing.Any(cause => error.Contains(cause, StringComparison.Ordinal)));
            string reason = failed.InnerException is LinuxException or InvalidDataException ? $"{failed.Message}: {failed.InnerException.Message}"
                : errors is [.., { } last] ? $"{failed.Message} ({last})"
                : failed.Message;
            throw new StepFailedException(reason, failed, canPass);
        }
        finally
        {
            await EndAsync(criu);
        }

        Task OnScript(CriuNotification notification, CancellationToken _)
        {
            // The last notification at which "no" (or our death) makes CRIU kill what it has built; at pre-resume it would
            // go on regardless.
            if (notification.Script == CriuScript.PostRestore)
            {
                foreach (OpenSocket socket in sockets)
                {
                    socket.Restore(log);
                }

                // CRIU is our child, and the threads are its own.
                ThreadAttributes made = ThreadAttributes.Of(Environment.ProcessId)!;
                foreach (FrozenThreads alike in threads)
                {
                    alike.Restore(made, Sandbox.Init, log);
                }

                controlGroups.Fill(groups);
                foreach (string refused in controlGroups.Settle(groups))
                {
                    log($"{workload.Name}: {refused}, going on");
                }

                boundary();
            }

            return Task.CompletedTask;
        }
    }

    /// <summary>Its service has started its QEMU; for one that stands alone we do.</summary>
    private async Task<RestoredProcess> RestoreMachineAsync(UpdateState state, Workload workload, string directory, Action boundary, CancellationToken cancellation)
    {
        // Memory that was set aside (memmap=) does not outlive the power, and nothing in it says so.
        if (KernelCommandLine.Parse(ProcFs.CommandLine).Value(KernelCommandLine.UpdateParameter) != state.Id
            && MachineFile.Read(directory).Options.Memory.FirstOrDefault(MachineTechnique.IsDirect) is { } memory)
        {
            throw new StepFailedException($"its memory was left in {memory.Path}, and this kernel was not started by the update but by a cold boot: nothing tells whether it is still there");
        }

        if (workload.Kind == WorkloadKind.Process)
        {
            // What is left of an earlier try waits for a state, and could take no other.
            await Systemd.StopAllAsync([workload.Unit], UnitDeadline, cancellation);
            await MemoryFiles.RestoreAsync(directory, holder: null);
            await AwaitDevicesAsync(workload.Machine!.NeededDevices, cancellation);
            await Systemd.StartTransientServiceAsync(MachineUnits.Transient(workload.Unit, workload.Name, workload.Machine!.CommandLineFor(state.Find(workload.Name)!.Attempts > 0), MachineFile.Read(directory)), UnitDeadline, cancellation);
        }

        return await MachineDumper.RestoreAsync(workload, MainPidOf(workload), directory, boundary, cancellation);
    }

    private static async Task AwaitDevicesAsync(IReadOnlyList<string> devices, CancellationToken cancellation)
    {
        long end = Environment.TickCount64 + (long)DeviceDeadline.TotalMilliseconds;
        foreach (string device in devices)
        {
            while (!File.Exists(device))
            {
                if (Environment.TickCount64 > end)
                {
                    throw new StepFailedException($"the device {device} was not there within {DeviceDeadline.TotalSeconds} s");
                }

                await Task.Delay(InterfacePause, TimeProvider.System, cancellation);
            }
        }
    }

    /// <summary>A group can only be joined where its interface is there.</summary>
    private static async Task AwaitInterfacesAsync(Workload workload, IReadOnlyList<OpenSocket> sockets, CancellationToken cancellation)
    {
        if (workload.Sandbox.Contains("net"))
        {
            return;
        }

        using SafeFileHandle any = new SocketKind(SocketKind.Internet, Type: 2, Protocol: 0).Make();
        long end = Environment.TickCount64 + (long)AddressDeadline.TotalMilliseconds;
        foreach (string name in sockets.SelectMany(socket => socket.Groups).Select(group => group.Interface).Distinct())
        {
            while (GroupMembership.IndexOf(any, name) is null)
            {
                if (Environment.TickCount64 > end)
                {
                    throw new StepFailedException($"the interface {name}, on which it joined a multicast group, did not come up within {AddressDeadline.TotalSeconds} s");
                }

                await Task.Delay(InterfacePause, TimeProvider.System, cancellation);
            }
        }
    }

    public string? LastLog(ImageStore images, Workload workload) =>
        new[] { ImageStore.RestoreLog, ImageStore.DumpLog }.Select(log => images.Log(workload, log)).FirstOrDefault(File.Exists);

    public void Announce(Workload workload, int mainPid)
    {
        // Of a machine's service nothing but the command line was changed.
        if (workload.ServiceType != ServiceType.Oneshot && workload.Machine is null)
        {
            // While a holder stood for the service, its watchdog was off.
            string watchdog = workload.Watchdog > 0 && workload.Sandbox.Count > 0 ? $"WATCHDOG_USEC={workload.Watchdog}\nWATCHDOG=1\n" : "";
            Notify.Send($"MAINPID={mainPid}\n{watchdog}READY=1\nSTATUS={_status}");
            Notify.Barrier(NotifyDeadline);
        }

        if (HolderOf(workload, mainPid) is { } holder && Pidfd.Open(holder) is { } process)
        {
            using (process)
            {
                Pidfd.Kill(process);
            }
        }
    }

    /// <summary>The process of the unit that is in its sandbox, and is not of the workload.</summary>
    private int? HolderOf(Workload workload, int restored = 0)
    {
        if (workload.Sandbox.Count == 0)
        {
            return null;
        }

        // A restore may have namespaces, too.
        HashSet<int> others = [Environment.ProcessId, .. restored == 0 ? [] : ProcFs.Tree(restored)];
        int holder = ProcFs.PidsOfControlGroup(Systemd.ControlGroup(workload.Unit))
            .FirstOrDefault(pid => !others.Contains(pid) && Sandbox.Of(pid, Sandbox.Init).Count > 0);
        return holder != 0 ? holder
            : restored != 0 ? null
            : throw new StepFailedException($"the sandbox of {workload.Unit} was not made: none of its processes is in {string.Join(" and ", workload.Sandbox)} namespaces of its own");
    }

    /// <summary>A tree is CRIU's until it has ended: only then is it PID 1's child, or gone altogether.</summary>
    private static async Task EndAsync(ChildProcess criu)
    {
        using var deadline = new CancellationTokenSource(CriuEndDeadline);
        try
        {
            await criu.WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            criu.Kill();
            await criu.WaitAsync(CancellationToken.None);
        }
    }

    private static RestoreRequest RequestOf(Workload workload, SafeFileHandle images, OutsideFile[] outside, InheritedResource[] handed) => new()
    {
        ImagesDirectory = images,
        LogFile = ImageStore.RestoreLog,
        Deadline = RestoreDeadline,
        ManageCgroups = CgroupMode.Ignore,
        NetworkLock = NetworkLock.Skip,
        TcpEstablished = true,
        ExtUnixSockets = true,
        FileLocks = true,
        External = [.. workload.JournalSockets.Select(socket => ExternalResource.UnixSocket((uint)socket.Inode)), .. outside.Select(NameOf)],
        InheritedResources =
        [
            // The unit's own standard output: a fresh stream to journald.
            .. workload.JournalSockets.Select(socket => InheritedResource.Socket((uint)socket.Inode, 1)),
            .. handed,
        ],
    };

    private static ExternalResource NameOf(OutsideFile file) => ExternalResource.File(file.MountId, file.Inode);

    private static ChildProcess StartCriu(Workload workload, int? holder, string exe, SafeHandle requests, SafeFileHandle[] opened)
    {
        // CRIU takes for granted that it starts without one: a process that had 0 gets nothing written, and would keep its unit's (OOMScoreAdjust=).
        Sysctl.OutOfMemoryScore(0);
        using SafeFileHandle program = File.OpenHandle(exe);
        IReadOnlyList<string> command = Sandbox.CriuIn(workload, holder ?? 0, holder is null ? exe : $"/proc/self/fd/{ProgramDescriptor}", RpcDescriptor);
        return Spawn.Start(new SpawnRequest(command[0], [.. command.Skip(1)])
        {
            Inherit =
            [
                new InheritedDescriptor(new SafeFileHandle(1, ownsHandle: false), 1),
                new InheritedDescriptor(new SafeFileHandle(2, ownsHandle: false), 2),
                new InheritedDescriptor(requests, RpcDescriptor),
                new InheritedDescriptor(program, ProgramDescriptor),
                .. opened.Select((file, i) => new InheritedDescriptor(file, OpenedDescriptor + i)),
            ],
        });
    }

    /// <summary>Multicast and broadcast: no address of the host, though a socket may be bound to it.</summary>
    private static bool IsGroup(IPAddress address) =>
        address.IsIPv6Multicast || (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && address.GetAddressBytes()[0] >= 224);
}
