using Nvwa.Lab.Hosts;
using Nvwa.Qemu;

namespace Nvwa.Lab.Scenarios;

/// <summary>
/// Bad input: each gets its answer, and nothing is touched. One or two of each kind on a live host; the unit tests have all.
/// </summary>
[Collection(OneGuestAtATime.Name)]
public sealed class Refusals(PreparedHost prepared, SharedHost shared) : IClassFixture<SharedHost>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private NvwaHost Host => shared.Host;

    private LabGuest Guest => shared.Host.Guest;

    [Theory]
    [InlineData("update 1.2.3")]
    [InlineData("check")]
    [InlineData("status")]
    [InlineData("init")]
    public Task Who_is_not_root_gets_one_line(string words) => Guest.KeepingEvidenceAsync(async () =>
    {
        string command = $"cd / && timeout 30 runuser -u nobody -- nvwa {words}";
        HostState.IsOneLine(await shared.TouchesNothingAsync([command], 2, "root"));
    });

    [Fact]
    public Task Without_the_daemon_one_line_says_how_to_start_it() => Guest.KeepingEvidenceAsync(async () =>
    {
        _ = await Guest.OutputOfAsync("systemctl stop nvwa.service");
        string[] commands = [$"nvwa update {prepared.NewKernel}", "nvwa check", "nvwa status", "nvwa init", "nvwa cancel"];
        HostState.IsOneLine(await shared.TouchesNothingAsync(commands, 1, "systemctl start nvwa"));

        _ = await Guest.OutputOfAsync("systemctl start nvwa.service");
        await ConfigureAsync();
        HostState.Says(await Host.NvwaAsync("status"), "status", 0);
    });

    [Theory]
    [InlineData("")]
    [InlineData("1.2.3")]
    [InlineData("../../etc/passwd")]
    public Task An_unknown_version_is_answered_with_those_that_exist(string version) => RefusedAsync(
        $"update '{version}'", 2, prepared.OldKernel, prepared.NewKernel);

    [Fact]
    public Task A_kernel_without_initrd_is_answered_with_those_that_have_one() => Guest.KeepingEvidenceAsync(async () =>
    {
        _ = await Guest.OutputOfAsync($"cp /boot/vmlinuz-{prepared.NewKernel} /boot/vmlinuz-7.9-lab");
        await ConfigureAsync();
        _ = await shared.TouchesNothingAsync(
            ["nvwa update 7.9-lab", "nvwa check 7.9-lab"], 2, "initrd", prepared.OldKernel, prepared.NewKernel);
        _ = await Guest.OutputOfAsync("rm /boot/vmlinuz-7.9-lab");
    });

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("update")]
    [InlineData("update 1.2.3 --bogus")]
    [InlineData("status --wait")]
    public Task Wrong_words_are_usage_errors(string words) => RefusedAsync(words, 2);

    [Theory]
    [InlineData("pids:\nservces:\n- redis\n", ":2:", "servces", "services")]
    [InlineData("pids:\n- 1\n- redis\n", ":3:", "pids", "redis")]
    [InlineData("services:\n- ../../etc/passwd\n", ":2:", "services", "passwd")]
    [InlineData("\nrestore_net: perhaps\n", ":2:", "restore_net", "true or false")]
    [InlineData("pids: [1,\nservices: {\n", ":", "YAML")]
    [InlineData("pids: []\npids: []\n", ":2:", "pids")]
    public Task A_wrong_nvwa_restore_yaml_is_named_by_line(string content, params string[] said) =>
        WrongConfigurationAsync(NvwaHost.RestoreFile, content, NvwaHost.DefaultServerConfiguration, said);

    [Theory]
    [InlineData("criu_dri: /var/nvwa\n", ":1:", "criu_dri", "criu_dir")]
    [InlineData("criu_dir: /var/nvwa\ncriu_exe: criu\n", ":2:", "criu_exe", "absolute path")]
    public Task A_wrong_nvwa_server_yaml_is_named_by_line(string content, params string[] said) =>
        WrongConfigurationAsync(NvwaHost.ServerFile, prepared.Workloads.Configuration, content, said);

    [Theory]
    [InlineData(NvwaHost.RestoreFile)]
    [InlineData(NvwaHost.ServerFile)]
    public Task A_missing_file_is_named(string file) => Guest.KeepingEvidenceAsync(async () =>
    {
        await ConfigureAsync();
        _ = await Guest.OutputOfAsync($"rm {file}");
        _ = await shared.TouchesNothingAsync([$"nvwa update {prepared.NewKernel}", "nvwa check"], 2, file);
    });

    [Theory]
    [InlineData("echo 4194000", "no such process")]
    [InlineData("echo 2", "kernel thread", "kthreadd")]
    [InlineData("echo 1", "nvwa", "ancestor")]
    [InlineData("systemctl show --value -p MainPID nvwa.service", "nvwa", "ancestor")]
    [InlineData("systemctl show --value -p MainPID qemu-guest-agent.service", "nvwa", "ancestor")]
    [InlineData("systemctl show --value -p MainPID redis.service", "redis.service")]
    public Task A_process_that_cannot_be_kept_is_named(string whichPid, params string[] said) => Guest.KeepingEvidenceAsync(async () =>
    {
        string pid = (await Guest.OutputOfAsync(whichPid)).Trim();
        await Host.ConfigureAsync($"pids:\n- {pid}\n");
        _ = await shared.TouchesNothingAsync([$"nvwa update {prepared.NewKernel}"], 3, [pid, .. said]);
    });

    [Theory]
    [InlineData("nosuch", "nosuch.service", "no such service", "systemctl")]
    [InlineData("redis-server", "redis-server.service", "inactive", "systemctl start")]
    [InlineData("nvwa", "nvwa")]
    public Task A_service_that_cannot_be_kept_is_named(string service, params string[] said) => Guest.KeepingEvidenceAsync(async () =>
    {
        await Host.ConfigureAsync($"services:\n- {service}\n");
        _ = await shared.TouchesNothingAsync([$"nvwa update {prepared.NewKernel}"], 3, said);
    });

    [Fact]
    public Task A_service_that_is_not_enabled_is_a_warning() => Guest.KeepingEvidenceAsync(async () =>
    {
        await ConfigureAsync();
        _ = await Guest.OutputOfAsync("systemctl disable -q redis-journal.service");
        _ = await shared.TouchesNothingAsync([$"nvwa check {prepared.NewKernel}"], 0, "warn", "redis-journal.service", "not enabled");
        _ = await Guest.OutputOfAsync("systemctl enable -q redis-journal.service");
    });

    [Theory]
    [InlineData("/usr/sbin/no-criu", "does not exist")]
    [InlineData("/etc/hostname")]
    [InlineData("/bin/false")]
    [InlineData("/usr/local/bin/criu-that-does-not-like-this-kernel", "does not accept this kernel", "no such luck")]
    public Task A_criu_that_does_not_work_is_named_with_a_remedy(string criu, params string[] said) => Guest.KeepingEvidenceAsync(async () =>
    {
        _ = await Guest.OutputOfAsync(
            """
            cd /usr/local/bin
            printf '#!/bin/sh\ncase $1 in --version) echo Version: 4.2;; *) echo no such luck >&2; exit 1;; esac\n' >criu-that-does-not-like-this-kernel
            chmod +x criu-that-does-not-like-this-kernel
            """);
        await Host.ConfigureAsync(prepared.Workloads.Configuration, $"criu_exe: {criu}\n");
        _ = await shared.TouchesNothingAsync([$"nvwa update {prepared.NewKernel}"], 3, [criu, "criu", .. said]);
    });

    [Theory]
    [InlineData("/run/images", "tmpfs", "criu_dir")]
    [InlineData("/mnt/full/images", "free", "criu_dir")]
    [InlineData("/mnt/read-only/images", "written", "criu_dir")]
    [InlineData("/etc/hostname", "criu_dir")]
    public Task A_criu_dir_that_holds_no_images_is_named_with_a_remedy(string directory, params string[] said) => Guest.KeepingEvidenceAsync(async () =>
    {
        _ = await Guest.OutputOfAsync(
            """
            mkdir -p /mnt/full /mnt/read-only
            if ! mountpoint -q /mnt/full; then
              truncate -s 12M /var/tmp/full.ext4 && mkfs.ext4 -q /var/tmp/full.ext4 && mount -o loop /var/tmp/full.ext4 /mnt/full
              mount --bind /opt /mnt/read-only && mount -o remount,ro,bind /mnt/read-only
            fi
            """,
            Patience);
        await Host.ConfigureAsync(prepared.Workloads.Configuration, $"criu_dir: {directory}\n");
        _ = await shared.TouchesNothingAsync([$"nvwa update {prepared.NewKernel}"], 3, [directory, .. said]);
    });

    private Task ConfigureAsync() => Host.ConfigureAsync(prepared.Workloads.Configuration);

    private Task RefusedAsync(string words, int exitCode, params string[] said) => Guest.KeepingEvidenceAsync(async () =>
    {
        await ConfigureAsync();
        GuestCommandResult result = await shared.TouchesNothingAsync([$"nvwa {words}"], exitCode, said);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    });

    private Task WrongConfigurationAsync(string file, string restore, string server, string[] said) => Guest.KeepingEvidenceAsync(async () =>
    {
        await Host.ConfigureAsync(restore, server);
        _ = await shared.TouchesNothingAsync([$"nvwa update {prepared.NewKernel}", "nvwa check"], 2, [file, .. said]);
    });
}
