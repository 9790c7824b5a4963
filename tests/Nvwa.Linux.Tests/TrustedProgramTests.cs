using System.Runtime.Versioning;

namespace Nvwa.Linux.Tests;

[SupportedOSPlatform("linux")]
public sealed class TrustedProgramTests : IDisposable
{
    private const uint Nobody = 65534;
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nvwa-trust-");

    public TrustedProgramTests()
    {
        File.WriteAllText(Program, "");
        File.SetUnixFileMode(Program, Executable);
    }

    private string Program => Path.Combine(_directory.FullName, "qemu");

    private string Theirs
    {
        get
        {
            string theirs = Path.Combine(_directory.FullName, "theirs");
            Directory.CreateDirectory(theirs);
            return theirs;
        }
    }

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void What_only_root_can_have_written_is_trusted_also_below_a_directory_with_the_sticky_bit() =>
        Assert.Null(TrustedProgram.Problem(Program));

    [Fact]
    public void A_program_that_others_may_write_is_not()
    {
        File.SetUnixFileMode(Program, Executable | UnixFileMode.OtherWrite);

        Assert.Contains("others may write it", TrustedProgram.Problem(Program), StringComparison.Ordinal);
    }

    [Fact]
    public void Nor_is_one_in_a_directory_where_others_may_put_another_one()
    {
        File.SetUnixFileMode(_directory.FullName, Executable | UnixFileMode.GroupWrite);

        Assert.Contains("others may write there", TrustedProgram.Problem(Program), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_is_trusted_as_what_it_leads_to_is()
    {
        string link = Path.Combine(_directory.FullName, "link");
        File.CreateSymbolicLink(link, Program);
        Assert.Null(TrustedProgram.Problem(link));

        File.SetUnixFileMode(Program, Executable | UnixFileMode.OtherWrite);
        Assert.NotNull(TrustedProgram.Problem(link));
    }

    [Fact]
    public void A_link_that_others_could_exchange_is_not()
    {
        string link = Path.Combine(Theirs, "link");
        File.CreateSymbolicLink(link, Program);
        File.SetUnixFileMode(Theirs, Executable | UnixFileMode.OtherWrite);

        Assert.Contains($"{Theirs} belongs to user 0, or others may write there", TrustedProgram.Problem(link), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_a_link_that_somebody_else_made_where_all_may()
    {
        string link = Path.Combine(_directory.FullName, "link");
        File.CreateSymbolicLink(link, Program);
        await OwnAsync(link, Nobody);

        Assert.Contains($"{link} belongs to user {Nobody}", TrustedProgram.Problem(link), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_what_is_reached_by_a_directory_that_is_a_link_of_somebody_else()
    {
        string link = Path.Combine(_directory.FullName, "link");
        File.CreateSymbolicLink(link, _directory.FullName);
        Assert.Null(TrustedProgram.Problem(Path.Combine(link, "qemu")));

        await OwnAsync(link, Nobody);
        Assert.Contains($"{link} belongs to user {Nobody}", TrustedProgram.Problem(Path.Combine(link, "qemu")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_sticky_bit_is_no_excuse_for_the_owner_of_a_directory()
    {
        File.SetUnixFileMode(Theirs, Executable | UnixFileMode.StickyBit);
        await OwnAsync(Theirs, Nobody);

        Assert.NotNull(TrustedProgram.Problem(Path.Combine(Theirs, "..", "qemu")));
    }

    [Fact]
    public void A_link_below_a_link_leads_on_from_where_it_really_is()
    {
        string below = Directory.CreateDirectory(Path.Combine(Theirs, "below")).FullName;
        File.CreateSymbolicLink(Path.Combine(below, "link"), "../../qemu");
        File.CreateSymbolicLink(Path.Combine(_directory.FullName, "short"), below);
        string program = Path.Combine(_directory.FullName, "short", "link");
        Assert.Null(TrustedProgram.Problem(program));

        File.SetUnixFileMode(Program, Executable | UnixFileMode.OtherWrite);
        Assert.Contains(Program, TrustedProgram.Problem(program), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_there_is_no_problem_but_where_others_could_make_it()
    {
        Assert.Null(TrustedProgram.Problem(Path.Combine(_directory.FullName, "nothing")));

        File.SetUnixFileMode(_directory.FullName, Executable | UnixFileMode.OtherWrite | UnixFileMode.StickyBit);
        Assert.NotNull(TrustedProgram.Problem(Path.Combine(_directory.FullName, "nothing")));
        Assert.Null(TrustedProgram.Problem(Program));
    }

    private static async Task OwnAsync(string path, uint uid) =>
        await Spawn.RunAsync(new SpawnRequest("chown", ["-h", $"{uid}", path]), TimeSpan.FromSeconds(30), CancellationToken.None);
}
