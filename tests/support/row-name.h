#pragma once

#include <gtest/gtest.h>
#include <string>

/* Names the rows of a table by their member "name":
 *   INSTANTIATE_TEST_SUITE_P (Table, MyTest, testing::ValuesIn (rows), name_of_row<Row>); */
template <typename Row>
std::string
name_of_row (const testing::TestParamInfo<Row> &row)
{
  return row.param.name;
}
