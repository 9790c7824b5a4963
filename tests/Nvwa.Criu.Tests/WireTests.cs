using System.Globalization;
using Google.Protobuf;
using Nvwa.Criu.Protocol;

namespace Nvwa.Criu.Tests;

/// <summary>The numbers are CRIU's protocol. A change here breaks it.</summary>
public sealed class WireTests
{
    [Fact]
    public void A_minimal_dump_is_these_bytes()
    {
        DumpRequest request = new() { Pid = 300, ImagesPath = "/i", LogFile = "l", LogLevel = CriuLogLevel.Debug };
        Request wire = new() { Type = RequestType.Dump, Options = Of(request) };

        // type=1; options{ images_dir_fd=-1, pid=300, log_level=4, log_file="l", images_dir="/i" }
        const string Expected =
            "0801" + "1218" + "08ffffffffffffffffff01" + "10ac02" + "4804" + "52016c" + "a204022f69";
        Assert.Equal(Expected, Hex(wire), ignoreCase: true);
    }

    [Fact]
    public void An_answer_to_a_notification_is_these_bytes() =>
        Assert.Equal("08061801", Hex(new Request { Type = RequestType.Notify, NotifySuccess = true }));

    [Theory]
    [InlineData(RequestType.Dump, 1)]
    [InlineData(RequestType.Restore, 2)]
    [InlineData(RequestType.Check, 3)]
    [InlineData(RequestType.PreDump, 4)]
    [InlineData(RequestType.Notify, 6)]
    [InlineData(RequestType.FeatureCheck, 9)]
    [InlineData(RequestType.Version, 10)]
    [InlineData(RequestType.SinglePreDump, 13)]
    internal void Request_types_keep_their_numbers(RequestType type, int number) => Assert.Equal(number, (int)type);

    [Fact]
    public void All_that_a_dump_can_say_has_its_number()
    {
        DumpRequest request = Requests.Dump with
        {
            LeaveRunning = true,
            ExtUnixSockets = true,
            TcpEstablished = true,
            EvasiveDevices = true,
            ShellJob = true,
            FileLocks = true,
            ParentImage = "../0",
            TrackMemory = true,
            AutoDedup = true,
            LinkRemap = true,
            CpuCapabilities = 1,
            ForceIrmap = true,
            ManageCgroups = CgroupMode.Ignore,
            GhostLimit = 1,
            External = [ExternalResource.UnixSocket(7)],
            FreezeCgroup = "/sys/fs/cgroup/a",
            FreezeTimeout = TimeSpan.FromSeconds(1.5),
            TcpSkipInFlight = true,
            LazyPages = true,
            ConfigFile = "/etc/c",
            PreDumpByRead = true,
            NetworkLock = NetworkLock.Skip,
        };
        Options options = Of(request);
        Assert.Equal(
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 18, 20, 21, 34, 35, 37, 44, 45, 46, 48, 51, 61, 64, 68],
            FieldNumbers(options, notify: true, request));
        Assert.Equal(CgroupManagement.CgroupIgnore, options.ManageCgroupsMode);
        Assert.Equal(NetworkLockMethod.LockSkip, options.NetworkLock);
        Assert.Equal(2u, options.Timeout);
        Assert.Equal(["unix[7]"], options.External);
    }

    [Fact]
    public void All_that_a_restore_can_say_has_its_number()
    {
        RestoreRequest request = Requests.Restore with
        {
            TcpClose = true,
            InheritedResources = [InheritedResource.Socket(7, 1)],
            RestoreAsSibling = true,
            LeaveStopped = true,
            Root = "/r",
            CgroupRoot = "/g",
            SkipFilePermissionCheck = true,
            MountNamespaceCompatibility = true,
            SecurityProfile = "apparmor:x",
            SecurityMountContext = "c",
        };
        using DescriptorLeases leases = new();
        Options options = OptionsWire.Of(request, leases, notify: true);
        Assert.Equal([1, 9, 10, 12, 13, 25, 26, 27, 52, 53, 63, 65, 66, 68, 69], FieldNumbers(options));
        InheritFd inherited = Assert.Single(options.InheritFd);
        Assert.Equal("socket:[7]", inherited.Key);
        Assert.Equal(1, inherited.Fd);
    }

    [Theory]
    [InlineData(CgroupMode.Unset, -1)]
    [InlineData(CgroupMode.Ignore, 0)]
    [InlineData(CgroupMode.None, 1)]
    [InlineData(CgroupMode.Properties, 2)]
    [InlineData(CgroupMode.Soft, 3)]
    [InlineData(CgroupMode.Full, 4)]
    [InlineData(CgroupMode.Strict, 5)]
    public void Cgroup_modes_keep_their_numbers(CgroupMode mode, int number)
    {
        Options options = Of(Requests.Dump with { ManageCgroups = mode });
        Assert.Equal(number, options.HasManageCgroupsMode ? (int)options.ManageCgroupsMode : -1);
    }

    [Theory]
    [InlineData(NetworkLock.Unset, -1)]
    [InlineData(NetworkLock.Iptables, 1)]
    [InlineData(NetworkLock.Nftables, 2)]
    [InlineData(NetworkLock.Skip, 3)]
    public void Network_locks_keep_their_numbers(NetworkLock networkLock, int number)
    {
        Options options = Of(Requests.Dump with { NetworkLock = networkLock });
        Assert.Equal(number, options.HasNetworkLock ? (int)options.NetworkLock : -1);
    }

    [Fact]
    public void Directories_go_as_numbers_of_this_process()
    {
        using FileStream images = new("/dev/null", FileMode.Open);
        using FileStream work = new("/dev/null", FileMode.Open);
        DumpRequest request = Requests.Dump with
        {
            ImagesPath = null,
            ImagesDirectory = images.SafeFileHandle,
            WorkDirectory = work.SafeFileHandle,
        };
        Options options = Of(request);
        Assert.Equal((int)images.SafeFileHandle.DangerousGetHandle(), options.ImagesDirFd);
        Assert.Equal((int)work.SafeFileHandle.DangerousGetHandle(), options.WorkDirFd);
        Assert.False(options.HasImagesDir);
    }

    [Fact]
    public void Names_of_resources_are_decimal_or_hexadecimal_as_CRIU_prints_them()
    {
        Assert.Equal("unix[12345]", ExternalResource.UnixSocket(12345).Key);
        Assert.Equal("file[1f:beef]", ExternalResource.File(0x1f, 0xbeef).Key);
        Assert.Equal("tty[8801:18]", ExternalResource.Terminal(0x8801, 0x18).Key);
        Assert.Equal("mnt[/data]:data", ExternalResource.Mount("/data", "data").Key);
        Assert.Equal("pipe:[9]", InheritedResource.Pipe(9, 4).Key);
        Assert.Equal("file[1f:beef]", InheritedResource.For(ExternalResource.File(0x1f, 0xbeef), 4).Key);
    }

    private static Options Of(DumpRequest request)
    {
        using DescriptorLeases leases = new();
        return OptionsWire.Of(request, leases, notify: false);
    }

    private static int[] FieldNumbers(Options options, bool notify, DumpRequest request)
    {
        Assert.False(options.HasNotifyScripts);
        using DescriptorLeases leases = new();
        return FieldNumbers(OptionsWire.Of(request, leases, notify));
    }

    private static int[] FieldNumbers(Options options)
    {
        SortedSet<int> numbers = [];
        using CodedInputStream input = new(options.ToByteArray());
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            numbers.Add(WireFormat.GetTagFieldNumber(tag));
            input.SkipLastField();
        }

        return [.. numbers];
    }

    private static string Hex(IMessage message) =>
        Convert.ToHexString(message.ToByteArray()).ToUpper(CultureInfo.InvariantCulture);
}
