using System.Globalization;

namespace Nvwa.State;

/// <summary>Names an update by the moment it began, as <c>20261121T093000Z</c>: sorts by age, is a file name.</summary>
internal static class UpdateId
{
    private const string Format = "yyyyMMdd'T'HHmmss'Z'";

    public static string Of(DateTimeOffset moment) => moment.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    public static bool IsValid(string id) =>
        DateTime.TryParseExact(id, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);
}
