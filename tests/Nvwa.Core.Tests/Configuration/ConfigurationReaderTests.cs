using Nvwa.Core.Configuration;

namespace Nvwa.Core.Tests.Configuration;

public sealed class ConfigurationReaderTests
{
    private const string File = "/etc/nvwa/nvwa-restore.yaml";

    /// <summary>Long enough for the slowest machine, and far too short for an input that grows exponentially.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void The_example_of_openEuler_is_read()
    {
        RestoreConfiguration read = Restore("""
            pids:
              - 14109
              - 14110
            services:
              - redis
            restore_net: false
            enable_quick_kexec: true
            enable_pin_memory: true
            """);

        Assert.Equal([14109, 14110], read.Pids);
        Assert.Equal(["redis.service"], read.Services);
        Assert.False(read.RestoreNet);
        Assert.True(read.EnableQuickKexec);
        Assert.True(read.EnablePinMemory);
        Assert.False(read.DebugMode);
    }

    [Fact]
    public void Lists_may_be_written_in_brackets()
    {
        RestoreConfiguration read = Restore("pids: [1234]\nservices: [redis, nginx.service]\n");

        Assert.Equal([1234], read.Pids);
        Assert.Equal(["redis.service", "nginx.service"], read.Services);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing but words\n")]
    [InlineData("---\n")]
    [InlineData("pids:\nservices:\n")]
    [InlineData("pids: ~\nservices: null\n")]
    [InlineData("pids: []\nservices: []\n")]
    [InlineData("{}")]
    [InlineData("pids:\r\nservices:\r\n")]
    public void What_is_missing_or_empty_keeps_nothing(string text)
    {
        RestoreConfiguration read = Restore(text);

        Assert.Empty(read.Pids);
        Assert.Empty(read.Services);
        Assert.False(read.RestoreNet | read.EnableQuickKexec | read.EnablePinMemory | read.DebugMode);
    }

    [Theory]
    [InlineData("enbale_debug_mode: true")]
    [InlineData("enable_debug_mode: true")]
    [InlineData("enbale_debug_mode: false\nenable_debug_mode: true")]
    [InlineData("enbale_debug_mode: true\nenable_debug_mode: false")]
    public void Debug_mode_has_two_spellings(string text) => Assert.True(Restore(text).DebugMode);

    [Fact]
    public void Process_numbers_may_be_written_as_text() =>
        Assert.Equal([17, 18], Restore("pids:\n- '17'\n- \"18\"\n").Pids);

    [Fact]
    public void What_is_named_twice_is_kept_once()
    {
        RestoreConfiguration read = Restore("pids: [7, '7', 8]\nservices: [redis, redis.service, redis]\n");

        Assert.Equal([7, 8], read.Pids);
        Assert.Equal(["redis.service"], read.Services);
    }

    [Theory]
    [InlineData("pids:\n- 1\nrestore_nett: true\n", 3, "unknown key 'restore_nett'; the nearest known key is 'restore_net'")]
    [InlineData("pid: [1]\n", 1, "unknown key 'pid'; the nearest known key is 'pids'")]
    [InlineData("\n\nServices: [redis]\n", 3, "unknown key 'Services'; the nearest known key is 'services'")]
    [InlineData("enable_pin_memroy: true\n", 1, "the nearest known key is 'enable_pin_memory'")]
    [InlineData("criu_dir: /x\nzzz: 1\n", 1, "unknown key 'criu_dir'")]
    public void An_unknown_key_is_named_with_its_line_and_the_nearest_known_one(string text, int line, string expected) =>
        Refused(text, line, expected);

    [Theory]
    [InlineData("pids: 5\n", 1, "pids must be a list ('- entry' lines), not '5'")]
    [InlineData("pids: ''\n", 1, "pids must be a list")]
    [InlineData("pids:\n  a: 1\n", 2, "pids must be a list ('- entry' lines), not a nested mapping")]
    [InlineData("pids:\n- 1\n- one\n", 3, "pids must hold process numbers, not 'one'")]
    [InlineData("pids: [0]\n", 1, "not '0'")]
    [InlineData("pids: [-3]\n", 1, "not '-3'")]
    [InlineData("pids: [1.5]\n", 1, "not '1.5'")]
    [InlineData("pids: [0x10]\n", 1, "not '0x10'")]
    [InlineData("pids: [99999999999]\n", 1, "not '99999999999'")]
    [InlineData("pids:\n- [1]\n", 2, "not a list")]
    [InlineData("pids:\n-\n", 2, "not ''")]
    [InlineData("services: redis\n", 1, "services must be a list")]
    [InlineData("services:\n- name: redis\n", 2, "services must hold names of systemd services, not a nested mapping")]
    [InlineData("services:\n-\n", 2, "not ''")]
    [InlineData("restore_net: 1\n", 1, "restore_net must be true or false, not '1'")]
    [InlineData("restore_net: yes\n", 1, "not 'yes'")]
    [InlineData("pids: []\nrestore_net:\n", 2, "restore_net must be true or false, not ''")]
    [InlineData("restore_net: [true]\n", 1, "not a list")]
    [InlineData("enbale_debug_mode: maybe\n", 1, "enbale_debug_mode must be")]
    public void A_wrong_type_is_refused_with_what_was_expected(string text, int line, string expected) =>
        Refused(text, line, expected);

    [Theory]
    [InlineData("services: [../../etc/passwd]")]
    [InlineData("services: [/etc/systemd/system/redis]")]
    [InlineData("services: ['..']")]
    [InlineData("services: ['.']")]
    [InlineData("services: [a/b]")]
    [InlineData("services: ['.service']")]
    [InlineData("services: ['a b']")]
    [InlineData("services: [\"a\\0b\"]")]
    [InlineData("services: [\"a\\nb\"]")]
    [InlineData("services: ['*']")]
    [InlineData("services: ['%i']")]
    [InlineData("services: ['getty@']")]
    [InlineData("services: ['@tty1']")]
    public void A_name_that_no_service_can_have_is_refused(string text) =>
        Refused(text, 1, "services must hold names of systemd services");

    [Fact]
    public void A_name_of_a_service_has_at_most_255_characters()
    {
        string longest = new('a', 255 - ".service".Length);

        Assert.Equal([longest + ".service"], Restore($"services: [{longest}]").Services);
        Refused($"services: [a{longest}]", 1, "services must hold names");
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("redis.service")]
    [InlineData("postgresql@15-main")]
    [InlineData(@"dev-disk-by\x2duuid")]
    [InlineData("a:b_c-d.e")]
    public void Names_of_services_are_taken_as_systemd_has_them(string name) =>
        Assert.Equal([name.EndsWith(".service", StringComparison.Ordinal) ? name : name + ".service"], Restore($"services: ['{name}']").Services);

    [Theory]
    [InlineData("pids: [1\nservices: []\n")]
    [InlineData("pids: [1]\n\tservices: []\n")]
    [InlineData("pids: \"open\n")]
    [InlineData("pids: [1]]\n")]
    [InlineData("pids: &\n")]
    [InlineData("pids: *nowhere\n")]
    [InlineData("%YAML 9.9\n---\npids: []\n")]
    [InlineData("? [pids]\n: 1\n")]
    [InlineData("? {a: b}\n: 1\n")]
    [InlineData("- pids\n- services\n")]
    [InlineData("pids\n")]
    public void Text_that_is_not_key_and_value_is_refused_with_its_line(string text)
    {
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => Restore(text));

        Assert.True(refused.Line > 0, refused.Message);
        Assert.StartsWith($"{File}:{refused.Line}: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void A_key_given_twice_is_refused() => Refused("pids: [1]\nservices: []\npids: [2]\n", 3, "pids");

    [Fact]
    public void A_key_given_twice_with_different_tags_is_refused() => Refused("pids: [1]\n!x pids: [2]\n", 2, "the key 'pids' is there twice");

    [Fact]
    public void Several_documents_are_refused() => Refused("pids: [1]\n---\npids: [2]\n", 0, "expected one YAML document, found several");

    [Theory]
    [InlineData("pids: ", "[")]
    [InlineData("", "- ")]
    [InlineData("", "{a: ")]
    [InlineData("pids: ", "[[],")]
    [InlineData("", "? ")]
    public async Task Deep_nesting_is_refused_before_it_can_exhaust_the_stack(string start, string nest)
    {
        string text = start + string.Concat(Enumerable.Repeat(nest, 200_000));

        await Task.Run(() => Assert.Throws<ConfigurationException>(() => Restore(text))).WaitAsync(Patience);
    }

    [Theory]
    [InlineData("enable_pin_memory: &x true\nrestore_net: *x\n", 2, "alias")]
    [InlineData("pids: &a [1]\nservices: *a\n", 2, "alias")]
    public void An_alias_is_refused(string text, int line, string expected) => Refused(text, line, expected);

    [Theory]
    [InlineData("{0}\npids: *z\n")]
    [InlineData("{0}\n? *z\n: 1\n")]
    public async Task Aliases_that_multiply_do_not_hang(string frame)
    {
        var bomb = new List<string> { "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]" };
        for (char c = 'b'; c <= 'z'; c++)
        {
            char before = (char)(c - 1);
            bomb.Add($"{c}: &{c} [{string.Join(", ", Enumerable.Repeat($"*{before}", 9))}]");
        }

        string text = frame.Replace("{0}", string.Join('\n', bomb), StringComparison.Ordinal);

        await Task.Run(() => Assert.Throws<ConfigurationException>(() => Restore(text))).WaitAsync(Patience);
    }

    [Theory]
    [InlineData("pids: [", "1, ", "1]")]
    [InlineData("services: [", "a, ", "a]")]
    [InlineData("restore_net: '", "x", "'")]
    [InlineData("", "#", "")]
    [InlineData("", "\n", "")]
    [InlineData("", "a", ": 1")]
    [InlineData("", "x: 1\ny", ": 1\n")]
    public async Task A_large_file_is_read_or_refused_in_time(string start, string middle, string end)
    {
        string text = start + string.Concat(Enumerable.Repeat(middle, 500_000 / middle.Length)) + end;

        await Task.Run(() => Attempt(text)).WaitAsync(Patience);
    }

    [Fact]
    public void Damaged_files_are_read_or_refused_and_nothing_else()
    {
        const string Whole = "pids:\n  - 14109\n  - '5'\nservices: [redis, \"a\\tb\"]\nrestore_net: false\nenbale_debug_mode: true # why\n---\n";
        const string Spice = ":-[]{}?*&!|>'\"%@`#,\n\t \\~\0\u0085\uFEFF\uD800<<=.";
        var chance = new Xorshift(7);
        for (int round = 0; round < 20_000; round++)
        {
            char[] damaged = Whole.ToCharArray();
            for (int changes = 1 + chance.Below(5); changes > 0; changes--)
            {
                damaged[chance.Below(damaged.Length)] = Spice[chance.Below(Spice.Length)];
            }

            Attempt(new string(damaged)[..chance.Below(damaged.Length + 1)]);
        }
    }

    [Fact]
    public void Virtual_machines_are_entries_with_a_name_and_a_socket()
    {
        const string Text = """
            vms:
            - name: web
              qmp: /run/web/qmp
            - name: db-1
              qmp: /run/db.qmp
              guest_agent: /run/db.agent
              unit: db
              qemu: /opt/qemu/bin/qemu-system-x86_64
            """;
        Assert.Equal(
            [
                new MachineConfiguration("web", "/run/web/qmp"),
                new MachineConfiguration("db-1", "/run/db.qmp", "/run/db.agent", "db.service", "/opt/qemu/bin/qemu-system-x86_64"),
            ],
            Restore(Text).Machines);
    }

    [Theory]
    [InlineData("vms: [web]", 1, "vms must hold entries")]
    [InlineData("vms:\n- qmp: /q\n", 2, "must have a name")]
    [InlineData("vms:\n- name: web\n", 2, "must have its QMP socket")]
    [InlineData("vms:\n- name: 4711\n  qmp: /q\n", 2, "name must be a letter")]
    [InlineData("vms:\n- name: ../web\n  qmp: /q\n", 2, "name must be a letter")]
    [InlineData("vms:\n- name: web.service\n  qmp: /q\n", 2, "name must be a letter")]
    [InlineData("vms:\n- name: web\n  qmp: q\n", 3, "qmp must be an absolute path")]
    [InlineData("vms:\n- name: web\n  qmp: /q\n  unit: a/b\n", 4, "unit must be the name of a systemd service")]
    [InlineData("vms:\n- name: web\n  qmp: /q\n  quemu: /x\n", 4, "the nearest known key is 'qemu'")]
    [InlineData("vms:\n- name: web\n  qmp: /q\n- name: web\n  qmp: /r\n", 4, "the virtual machine web is there twice")]
    public void A_wrong_virtual_machine_is_refused_with_its_line(string text, int line, string expected) => Refused(text, line, expected);

    [Fact]
    public void The_places_default_to_those_of_openEuler()
    {
        ServerConfiguration read = ConfigurationReader.ReadServer(File, "");

        Assert.Equal(new ServerConfiguration("/var/nvwa/running/", "/usr/sbin/criu", "/usr/sbin/kexec", "/etc/systemd/system/", "/etc/nvwa/log/"), read);
    }

    [Fact]
    public void Each_place_can_be_moved()
    {
        ServerConfiguration read = ConfigurationReader.ReadServer(
            File, "criu_dir: /a\ncriu_exe: /b/c\nkexec_exe: '/d'\nsystemd_etc: /e/\nlog_dir: /f/ g\n");

        Assert.Equal(new ServerConfiguration("/a", "/b/c", "/d", "/e/", "/f/ g"), read);
    }

    [Theory]
    [InlineData("criu_dir: running\n", 1)]
    [InlineData("criu_dir: /var/../etc\n", 1)]
    [InlineData("criu_exe: /usr/sbin/..\n", 1)]
    [InlineData("\ncriu_dir: ''\n", 2)]
    [InlineData("criu_dir:\n", 1)]
    [InlineData("criu_dir: /\n", 1)]
    [InlineData("criu_dir: ///\n", 1)]
    [InlineData("criu_dir: /./\n", 1)]
    [InlineData("criu_dir: [/a]\n", 1)]
    [InlineData("criu_dir: \"/a\\0b\"\n", 1)]
    [InlineData("criu_dir: \"/a\\nb\"\n", 1)]
    public void A_place_is_an_absolute_path_below_the_root_that_goes_down_only(string text, int line)
    {
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => ConfigurationReader.ReadServer(File, text));

        Assert.Equal(line, refused.Line);
        Assert.Contains("must be an absolute path", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_of_the_other_file_is_unknown()
    {
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => ConfigurationReader.ReadServer(File, "criu_dri: /a\n"));

        Assert.Contains("the nearest known key is 'criu_dir'", refused.Message, StringComparison.Ordinal);
        Assert.Throws<ConfigurationException>(() => ConfigurationReader.ReadServer(File, "pids: [1]\n"));
    }

    private static RestoreConfiguration Restore(string text) => ConfigurationReader.ReadRestore(File, text);

    private static void Attempt(string text)
    {
        try
        {
            Restore(text);
        }
        catch (ConfigurationException)
        {
            // The one way to say no.
        }
#pragma warning disable CA1031 // The input that did it must be told.
        catch (Exception other)
#pragma warning restore CA1031
        {
            Assert.Fail($"{Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text[..Math.Min(text.Length, 400)]))}: {other}");
        }
    }

    private static void Refused(string text, int line, string expected)
    {
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => Restore(text));

        Assert.Equal(line, refused.Line);
        Assert.Equal(File, refused.File);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.StartsWith(line > 0 ? $"{File}:{line}: " : $"{File}: ", refused.Message, StringComparison.Ordinal);
    }
}
