using Nvwa.Criu.Images;

namespace Nvwa.Criu.Tests.Images;

public sealed class FilesImageTests : IDisposable
{
    /// <summary>Number, flags, owner, clock and ticks, of which this library knows nothing.</summary>
    private const string Unnamed = "0814" + "108210" + "1a0a08001000180020002800" + "2001" + "2801";

    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    [Fact]
    public void A_periodic_timer_that_has_fired_gets_its_period_and_all_else_stays()
    {
        File.WriteAllBytes(_path, Golden.Files(Unnamed + "3000" + "3800" + "4000" + "4802" + "5007"));

        // What is named here comes first; the order of fields means nothing.
        Assert.Equal(Golden.Files("3000" + "3802" + "4007" + "4802" + "5007" + Unnamed), FilesImage.WithTimersMended(_path));
    }

    [Fact]
    public void One_that_was_set_to_a_time_and_has_fired_is_not_set_any_more()
    {
        File.WriteAllBytes(_path, Golden.Files(Unnamed + "3003" + "3800" + "4000" + "4800" + "5000"));

        Assert.Equal(Golden.Files("3002" + "3800" + "4000" + "4800" + "5000" + Unnamed), FilesImage.WithTimersMended(_path));
    }

    [Theory]
    [InlineData("time is left", "3000" + "3800" + "4009" + "4802" + "5007")]
    [InlineData("its time is to come", "3001" + "3801" + "4000" + "4800" + "5000")]
    [InlineData("fired once, and that was all", "3000" + "3800" + "4000" + "4800" + "5000")]
    public void Other_timers_are_left_alone(string what, string timer)
    {
        Assert.NotEmpty(what);
        File.WriteAllBytes(_path, Golden.Files(Unnamed + timer));

        Assert.Null(FilesImage.WithTimersMended(_path));
    }

    [Fact]
    public void Another_kind_of_file_is_refused()
    {
        File.WriteAllBytes(_path, Golden.Pstree);

        Assert.Equal(ImageFault.WrongMagic, Assert.Throws<ImageFormatException>(() => FilesImage.WithTimersMended(_path)!).Fault);
    }

    public void Dispose() => File.Delete(_path);
}
