using System.Runtime.Versioning;

namespace Nvwa.Linux.Tests;

[SupportedOSPlatform("linux")]
public sealed class TrustedProgramTests : IDisposable
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nvwa-trust-");

    public TrustedProgramTests()
    {
        File.WriteAllText(Program, "");
        File.SetUnixFileMode(Program, Executable);
    }

    private string Program => Path.Combine(_directory.FullName, "qemu");

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
        string theirs = Path.Combine(_directory.FullName, "theirs");
        string link = Path.Combine(theirs, "link");
        Directory.CreateDirectory(theirs);
        File.CreateSymbolicLink(link, Program);
        File.SetUnixFileMode(theirs, Executable | UnixFileMode.OtherWrite);

        Assert.Contains($"{theirs} belongs to user 0, or others may write there", TrustedProgram.Problem(link), StringComparison.Ordinal);
    }
}
