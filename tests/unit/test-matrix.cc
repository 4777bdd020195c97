#include "launcher/boottest/matrix.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace
{

struct Axis
{
  const char *key;
  std::vector<std::string> values;
};

/* Axes as C has them. */
class Axes
{
public:
  explicit Axes (const std::vector<Axis> &axes)
  {
    for (const Axis &axis : axes)
      {
        GPtrArray *values = g_ptr_array_new_with_free_func (g_free);
        for (const std::string &value : axis.values)
          g_ptr_array_add (values, g_strdup (value.c_str ()));
        const VpMatrixAxis each = { axis.key, values };
        g_array_append_val (array_, each);
      }
  }
  ~Axes ()
  {
    for (guint i = 0; i < array_->len; i++)
      g_ptr_array_unref (const_cast<GPtrArray *> (g_array_index (array_, VpMatrixAxis, i).values));
    g_array_unref (array_);
  }
  Axes (const Axes &) = delete;
  Axes &operator= (const Axes &) = delete;

  const GArray *
  get () const
  {
    return array_;
  }
  std::vector<std::string>
  names (const char *name) const
  {
    std::vector<std::string> names;
    for (guint point = 0; point < vp_matrix_size (array_); point++)
      {
        g_autofree char *each = vp_matrix_name (array_, point, name);
        names.push_back (each);
      }
    return names;
  }

private:
  GArray *array_ = g_array_new (FALSE, FALSE, sizeof (VpMatrixAxis));
};

struct Row
{
  const char *name;
  std::vector<Axis> axes;
  std::vector<std::string> names;
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "nothing_varies", {}, { "boot" } },
  { "one_value", { { "machine", { "pc" } } }, { "boot[machine=pc]" } },
  { "one_axis", { { "smp", { "1", "2", "4" } } }, { "boot[smp=1]", "boot[smp=2]", "boot[smp=4]" } },
  { "last_varies_fastest",
    { { "machine", { "q35", "pc" } }, { "firmware", { "seabios", "ovmf" } } },
    { "boot[machine=q35,firmware=seabios]", "boot[machine=q35,firmware=ovmf]",
      "boot[machine=pc,firmware=seabios]", "boot[machine=pc,firmware=ovmf]" } },
};

class Matrix : public testing::TestWithParam<Row>
{
};

TEST_P (Matrix, HasThesePoints)
{
  EXPECT_EQ (Axes (GetParam ().axes).names ("boot"), GetParam ().names);
}

INSTANTIATE_TEST_SUITE_P (Table, Matrix, testing::ValuesIn (rows), name_of_row<Row>);

/* As many points as the lengths make, in the order of an odometer, and no name twice. */
TEST (MatrixProperty, IsTheProductInTheOrderOfTheFile)
{
  std::mt19937 random (20261126);

  for (int round = 0; round < 300; round++)
    {
      std::vector<Axis> input;
      static const char *const keys[] = { "a", "b", "c", "d" };
      const unsigned n_axes = random () % 5;
      guint product = 1;
      for (unsigned i = 0; i < n_axes; i++)
        {
          Axis axis = { keys[i], {} };
          const unsigned n = 1 + random () % 6;
          for (unsigned value = 0; value < n; value++)
            axis.values.push_back (std::to_string (value));
          product *= n;
          input.push_back (axis);
        }

      const Axes axes (input);
      const std::vector<std::string> names = axes.names ("x");
      ASSERT_EQ (names.size (), product);
      ASSERT_EQ (std::set<std::string> (names.begin (), names.end ()).size (), product);

      std::vector<guint> odometer (n_axes, 0);
      for (guint point = 0; point < product; point++)
        {
          for (unsigned i = 0; i < n_axes; i++)
            ASSERT_EQ (vp_matrix_choice (axes.get (), point, i), odometer[i]);
          for (unsigned i = n_axes; i-- > 0;)
            {
              if (++odometer[i] < input[i].values.size ())
                break;
              odometer[i] = 0;
            }
        }
    }
}

TEST (MatrixProperty, DoesNotWrapAround)
{
  const std::vector<std::string> values (1u << 11, "v");
  const Axes axes ({ { "a", values }, { "b", values }, { "c", values } });

  EXPECT_EQ (vp_matrix_size (axes.get ()), G_MAXUINT);
}

} // namespace
