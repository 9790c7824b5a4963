using System.Globalization;
using System.Text;
using Nvwa.Restore;

namespace Nvwa.Tests.Restore;

/// <summary>What systemd reads must be what was meant, whatever is in it.</summary>
public sealed class UnitFileTests
{
    [Theory]
    [InlineData("/usr/bin/qemu", "\"/usr/bin/qemu\"")]
    [InlineData("", "\"\"")]
    [InlineData("a b", "\"a b\"")]
    [InlineData("say \"it's\"", "\"say \\\"it's\\\"\"")]
    [InlineData("100%", "\"100%%\"")]
    [InlineData("$HOME ${X}", "\"$HOME ${X}\"")]
    [InlineData("a\\nb\\", "\"a\\\\nb\\\\\"")]
    [InlineData("a\nb\rc\td", "\"a\\x0ab\\x0dc\\x09d\"")]
    [InlineData("Grüße", "\"Grüße\"")]
    [InlineData(";", "\";\"")]
    public void A_word_is_quoted(string word, string expected) => Assert.Equal(expected, UnitFile.Quote(word));

    [Fact]
    public void A_command_line_comes_back_as_the_same_words()
    {
        string[] words =
        [
            "/opt/my qemu/qemu", "", " ", "a b", "\"", "'", "\\", "\\\\\"", "%", "%%h", "$A", "${A}", ";", "#", "-", "@x", "a\nb", "\n", "a\rb", "\ttab", "\u0001", "\\x41", "\\n",
            """{"driver":"virtio-net-pci","id":"n 0"}""", "Grüße 内核", "end\\",
        ];

        string line = UnitFile.Command(words);

        Assert.DoesNotContain('\n', line);
        Assert.DoesNotContain('\r', line);
        Assert.StartsWith(":\"/opt", line, StringComparison.Ordinal);
        Assert.Equal(words, Parse(line[1..]));
    }

    /// <summary>As systemd does (extract-word.c, then specifiers): quotes, escapes of C, two percent signs for one.</summary>
    private static List<string> Parse(string line)
    {
        List<string> words = [];
        StringBuilder? word = null;
        bool isQuoted = false;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (c == '"')
            {
                isQuoted = !isQuoted;
                word ??= new StringBuilder();
            }
            else if (c == ' ' && !isQuoted)
            {
                words.Add(word!.ToString());
                word = null;
            }
            else if (c == '\\')
            {
                c = line[++i];
                (char meant, int length) = c == 'x' ? ((char)int.Parse(line.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture), 2) : (c, 0);
                Assert.Contains(c, "\\\"x");
                word!.Append(meant);
                i += length;
            }
            else
            {
                i += c == '%' ? 1 : 0;
                Assert.Equal(c == '%' ? '%' : c, line[i]);
                word!.Append(c);
            }
        }

        Assert.False(isQuoted);
        words.Add(word!.ToString());
        return words;
    }
}
