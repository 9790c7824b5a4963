using System.Reflection;

namespace Nvwa.Fuzz.Tests;

/// <summary>Values of the records that are read and written, through their constructors.</summary>
internal static class Invented
{
    private static readonly string[] Words =
        ["", "redis.service", "1800", "/var/nvwa/running", "\"\\/\b\f\n\r\t\u0001", "Grüße", "内核", "\U0001F427", "\uFEFF", "a b", "{}", "\u2028"];

    private static readonly NullabilityInfoContext Nullability = new();

    public static T Of<T>(Chance chance) => (T)Of(typeof(T), chance);

    public static object Of(Type type, Chance chance) => type switch
    {
        _ when type == typeof(string) => Text(chance),
        _ when type == typeof(bool) => chance.OneIn(2),
        _ when type == typeof(int) => (int)chance.Number(int.MinValue, int.MaxValue),
        _ when type == typeof(long) => chance.Number(long.MinValue / 2, long.MaxValue / 2),
        _ when type.IsEnum => chance.Pick([.. type.GetEnumValues().Cast<object>()]),
        _ when type.IsGenericType => List(type.GetGenericArguments()[0], chance),
        _ => Record(type, chance),
    };

    private static string Text(Chance chance) => string.Concat(Enumerable.Range(0, chance.Below(4)).Select(_ => chance.Pick(Words)));

    private static Array List(Type element, Chance chance)
    {
        var list = Array.CreateInstance(element, chance.Below(4));
        for (int i = 0; i < list.Length; i++)
        {
            list.SetValue(Of(element, chance), i);
        }

        return list;
    }

    private static object Record(Type type, Chance chance)
    {
        ConstructorInfo constructor = type.GetConstructors().OrderByDescending(candidate => candidate.GetParameters().Length).First();
        return constructor.Invoke([.. constructor.GetParameters().Select(parameter => Argument(parameter, chance))]);
    }

    private static object? Argument(ParameterInfo parameter, Chance chance)
    {
        Type type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        bool mayBeNull = Nullability.Create(parameter).WriteState == NullabilityState.Nullable;
        return mayBeNull && chance.OneIn(2) ? null : Of(type, chance);
    }
}
