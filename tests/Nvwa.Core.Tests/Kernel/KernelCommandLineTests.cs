using Nvwa.Core.Kernel;
using Nvwa.Core.Planning;

namespace Nvwa.Core.Tests.Kernel;

public sealed class KernelCommandLineTests
{
    private const string Ours = "panic=10 sysctl.kernel.pid_max=4194304 sysctl.kernel.ns_last_pid=2000 nvwa.update=ID";

    private static readonly PidBand Band = new(2000, 1000, PidBand.Limit);

    [Theory]
    [InlineData("")]
    [InlineData("quiet")]
    [InlineData("BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro quiet")]
    [InlineData("dyndbg=\"file a.c +p; file b.c +p\" quiet")]
    [InlineData("root=UUID=1-2 -- single --flag=\"a b\"")]
    public void What_was_parsed_reads_as_before(string text) => Assert.Equal(text, KernelCommandLine.Parse(text).ToString());

    [Fact]
    public void Blanks_between_parameters_are_one() =>
        Assert.Equal("a b c", KernelCommandLine.Parse("  a \t b\n c \n").ToString());

    [Theory]
    [InlineData("")]
    [InlineData("root=/dev/vda1 ro")]
    public void Our_parameters_come_last_and_pid_max_before_ns_last_pid(string running) =>
        Assert.Equal($"{running} {Ours}".TrimStart(), ForUpdate(running));

    [Fact]
    public void Our_parameters_of_an_earlier_update_are_replaced() => Assert.Equal(
        $"root=/dev/vda1 quiet {Ours}",
        ForUpdate("root=/dev/vda1 sysctl.kernel.ns_last_pid=77 sysctl.kernel.pid_max=32768 nvwa.update=OLD quiet nvwa.update=OLDER"));

    [Theory]
    [InlineData("quiet panic=60", "", "quiet panic=60")]
    [InlineData("panic=0 quiet", "", "panic=0 quiet")]
    [InlineData("quiet", "panic=-1", "quiet panic=-1")]
    public void A_panic_timeout_of_the_administrators_is_left_alone(string running, string append, string expected) =>
        Assert.Equal($"{expected} {Ours["panic=10 ".Length..]}", ForUpdate(running, append));

    [Fact]
    public void The_line_is_the_same_after_each_update() => Assert.Equal(ForUpdate("quiet"), ForUpdate(ForUpdate("quiet")));

    [Fact]
    public void Parameters_that_only_look_like_ours_stay() => Assert.Equal(
        $"sysctl.kernel.pid_max_not=1 nvwa.updates=2 xsysctl.kernel.pid_max=3 {Ours}",
        ForUpdate("sysctl.kernel.pid_max_not=1 nvwa.updates=2 xsysctl.kernel.pid_max=3"));

    [Fact]
    public void A_quoted_value_stays_in_one_piece()
    {
        const string Quoted = "dyndbg=\"func a +p; nvwa.update=no\"";

        Assert.Equal($"{Quoted} quiet {Ours}", ForUpdate($"{Quoted} quiet"));
        Assert.Equal($"quiet {Quoted} {Ours}", ForUpdate("quiet", Quoted));
    }

    [Fact]
    public void What_is_appended_comes_behind_what_is_there() =>
        Assert.Equal($"quiet a=1 b {Ours}", ForUpdate("quiet", " a=1  b "));

    [Fact]
    public void What_is_appended_again_is_there_once() =>
        Assert.Equal($"quiet a=1 b {Ours}", ForUpdate("quiet a=1", "a=1 b b"));

    [Fact]
    public void Of_two_values_the_one_appended_now_comes_last() =>
        Assert.Equal($"quiet foo=2 foo=1 {Ours}", ForUpdate("foo=1 quiet foo=2", "foo=1"));

    [Fact]
    public void Nobody_can_append_our_own_parameters() =>
        Assert.Equal($"quiet {Ours}", ForUpdate("quiet", "sysctl.kernel.pid_max=300 nvwa.update=X"));

    [Fact]
    public void What_follows_the_dashes_stays_with_init() =>
        Assert.Equal($"quiet {Ours} -- single 3", ForUpdate("quiet -- single 3"));

    [Fact]
    public void What_is_appended_goes_to_the_kernel_even_where_init_has_parameters() =>
        Assert.Equal($"quiet foo=1 {Ours} -- single", ForUpdate("quiet -- single", "foo=1"));

    [Fact]
    public void Parameters_for_init_can_be_appended_too()
    {
        Assert.Equal($"quiet foo {Ours} -- bar", ForUpdate("quiet", "foo -- bar"));
        Assert.Equal($"quiet foo {Ours} -- single bar", ForUpdate("quiet -- single", "foo -- bar"));
    }

    [Theory]
    [InlineData("BOOT_IMAGE=/boot/vmlinuz-6.12 root=/dev/vda1 ro console=tty0 console=ttyS0", "")]
    [InlineData("root=/dev/vda1 quiet", "mitigations=off panic=5")]
    [InlineData("root=/dev/vda1 -- single", "a=1 -- b")]
    [InlineData("dyndbg=\"a b\"", "dyndbg=\"a b\" c")]
    public void The_line_does_not_grow_from_update_to_update(string running, string append)
    {
        string first = ForUpdate(running, append);
        string second = ForUpdate(first, append);
        string third = ForUpdate(second, append);

        Assert.Equal(first, second);
        Assert.Equal(first, third);
    }

    [Fact]
    public void The_value_of_a_parameter_is_its_last_one()
    {
        var line = KernelCommandLine.Parse("a=1 b a=2=3 ab=4 a");

        Assert.Equal("2=3", line.Value("a"));
        Assert.Null(line.Value("b"));
        Assert.Null(line.Value("c"));
    }

    [Fact]
    public void The_new_user_space_reads_which_update_brought_it_up() =>
        Assert.Equal("ID", KernelCommandLine.Parse(ForUpdate("quiet")).Value(KernelCommandLine.UpdateParameter));

    private static string ForUpdate(string running, string append = "") =>
        KernelCommandLine.Parse(running).ForUpdate("ID", Band, append).ToString();
}
