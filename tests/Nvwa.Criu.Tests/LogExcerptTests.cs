namespace Nvwa.Criu.Tests;

public sealed class LogExcerptTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    [Fact]
    public void The_last_errors_come_out_oldest_first()
    {
        Write(
            "(00.000001) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE\n",
            "(00.000002) Warn  (criu/kerndat.c:1): something\n",
            "(00.001241)    812: Error (criu/files-reg.c:1): Can't open file\n",
            "(00.001262) Error (criu/cr-restore.c:2331): Restoring FAILED.\n");
        Assert.Equal(
            [
                "(00.001241)    812: Error (criu/files-reg.c:1): Can't open file",
                "(00.001262) Error (criu/cr-restore.c:2331): Restoring FAILED.",
            ],
            LogExcerpt.Errors(_path, 2));
    }

    [Fact]
    public void A_log_that_is_not_there_has_no_errors() => Assert.Empty(LogExcerpt.Errors(_path, 3));

    [Fact]
    public void Only_the_end_of_a_huge_log_is_read()
    {
        Write("Error (old): long ago\n", new string('\n', LogExcerpt.Window), "Error (new): now\n");
        Assert.Equal(["Error (new): now"], LogExcerpt.Errors(_path, 3));
    }

    [Fact]
    public void A_line_is_bounded_and_cannot_steer_a_terminal()
    {
        Write("Error (a): \u001b[2J" + new string('x', 2 * LogExcerpt.MaximumLineLength) + "\n");
        string line = Assert.Single(LogExcerpt.Errors(_path, 3));
        Assert.True(line.Length <= LogExcerpt.MaximumLineLength + 3);
        Assert.DoesNotContain('\u001b', line);
    }

    public void Dispose() => File.Delete(_path);

    private void Write(params string[] parts)
    {
        using StreamWriter writer = new(_path);
        foreach (string part in parts)
        {
            writer.Write(part);
        }
    }
}
